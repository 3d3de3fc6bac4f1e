"""What CloudWatch works out: an alarm's state, expressions of metrics, what a log line says."""
