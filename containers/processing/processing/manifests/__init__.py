"""What CreateManifests is made of."""
