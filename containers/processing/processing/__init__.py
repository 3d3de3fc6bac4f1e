"""The steps that need no TensorFlow: CreateManifests, ShardImages and FetchServingModel.

Three floors, each of which imports only what is below it: the steps' entry points, a module each;
`manifests` and `shards`, what the first two are made of; `common`.
"""
