"""SageMaker Pipelines: reads definitions, refuses wrong ones, runs executions."""
