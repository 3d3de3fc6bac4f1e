"""Batch transform: https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform.html"""
