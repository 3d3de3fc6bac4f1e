"""SageMaker's resources, a module each: its operations, its CloudFormation type, its events."""
