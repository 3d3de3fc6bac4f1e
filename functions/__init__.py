"""The Lambda functions' code, deployed as it lies here: a folder a function and what they share."""
