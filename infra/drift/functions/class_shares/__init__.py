"""The functions' code: what lies here is deployed as it is."""
