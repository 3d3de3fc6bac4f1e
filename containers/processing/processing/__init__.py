"""The steps that need no TensorFlow: CreateManifests, ShardImages and FetchServingModel."""
