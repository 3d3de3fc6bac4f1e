"""The steps before training: CreateManifests and ShardImages."""
