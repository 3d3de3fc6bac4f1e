"""Application Auto Scaling of endpoints' variants:
https://docs.aws.amazon.com/autoscaling/application/userguide/what-is-application-auto-scaling.html
"""
