"""What CloudFormation asks when it deploys, a module a resource type."""
