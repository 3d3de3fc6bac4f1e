"""A model that one environment trained, served by another, perhaps in another account.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-deploy-xaccount.html
"""
