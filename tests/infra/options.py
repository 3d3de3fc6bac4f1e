"""Every option on, and isolation, which is on otherwise, off."""

BOUNDARY = "teams/ShardwiseBoundary"
CONTEXT = {
    "vpc": "true",
    "availability_zones": "3",
    "isolate_jobs": "false",
    "customer_managed_keys": "true",
    "permissions_boundary": BOUNDARY,
    "job_log_days": "30",
    "monthly_budget_usd": "500",
    "capture_percent": "10",
    "drift_every_hours": "24",
}
