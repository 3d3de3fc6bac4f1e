"""What every part stands on: measured programs and their tables. It imports none of the parts."""
