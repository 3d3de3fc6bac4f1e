"""What a run of another size, on other instances, would take: `./scripts/plan`."""
