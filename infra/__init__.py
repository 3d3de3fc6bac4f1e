"""What is deployed: the CDK app's settings, stacks and Lambda code."""
