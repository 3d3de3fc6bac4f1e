"""What commands ask AWS about a deployed environment."""
