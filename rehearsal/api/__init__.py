"""SageMaker's API: validation with botocore's own service model, records in a SQLite file."""
