"""A model server that keeps SageMaker's hosting contract: one image in, one label out."""
