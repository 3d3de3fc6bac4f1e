"""How long `cdk synth` takes beside an empty app."""
