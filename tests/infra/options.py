"""Every option on, and isolation, which is on otherwise, off."""

BOUNDARY = "teams/ShardwiseBoundary"
REPOSITORY = "acme/shardwise"
CONTEXT = {
    "network.vpc": "true",
    "network.availability_zones": "3",
    "network.isolate_jobs": "false",
    "security.customer_managed_keys": "true",
    "security.permissions_boundary": BOUNDARY,
    "operations.monthly_budget_usd": "500",
    "endpoint.capture_percent": "10",
    "drift.every_hours": "24",
    "github.repository": REPOSITORY,
}
