"""AWS on one machine: MiniStack with a SageMaker beside it, for any SageMaker pipeline."""
