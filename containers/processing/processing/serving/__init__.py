"""FetchServingModel."""
