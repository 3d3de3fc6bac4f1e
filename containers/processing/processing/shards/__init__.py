"""What ShardImages is made of."""
