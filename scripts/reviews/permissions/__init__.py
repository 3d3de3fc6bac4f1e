"""IAM: who may now do what, and who no longer."""
