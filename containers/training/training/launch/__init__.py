"""From one process a host to workers that know each other, and back to one exit code."""
