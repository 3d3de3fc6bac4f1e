"""EvaluateModel: what the model, and the one that serves now, answer on the test channel."""
