"""SageMaker's resources, a module each: its operations, its CloudFormation type, its events.

A new one is a module with a `KIND` (see `kind.ResourceKind`), its `OPERATIONS` and, where it has
one, its `cloudformation.ResourceType`; `rehearsal/api/dispatch.py` lists them.
"""
