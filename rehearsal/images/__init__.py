"""Images without Docker: built, pushed and run on this machine."""
