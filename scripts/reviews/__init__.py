"""What a change of the templates means: compared, judged and shown by `./scripts/review`."""
