"""What several functions need; it is deployed with each of them."""
