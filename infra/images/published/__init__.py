"""The function's code: what lies here is deployed as it is."""
