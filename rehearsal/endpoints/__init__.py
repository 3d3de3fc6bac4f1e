"""Model servers: their instances, pools, updates, invocations and metrics."""
