"""The `AWS::SageMaker::*` resource types of CloudFormation, done by SageMaker's own API."""
