"""What people are told in words, and metrics of executions that AWS does not publish."""
