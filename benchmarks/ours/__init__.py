"""What is measured of Shardwise; each module runs in its image's environment."""
