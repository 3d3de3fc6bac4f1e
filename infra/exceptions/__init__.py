"""Every rule that something here does not follow, with the reason: one file a scanner."""
