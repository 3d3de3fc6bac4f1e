"""AWS on one machine: MiniStack, and beside it the SageMaker that it lacks."""
