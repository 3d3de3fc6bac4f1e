"""What tells people that something is wrong, and what they look at then."""
