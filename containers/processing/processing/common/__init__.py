"""What all steps stand on; it imports none of them."""
