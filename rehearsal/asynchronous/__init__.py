"""Asynchronous endpoints: https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference.html"""
