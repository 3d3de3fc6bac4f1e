"""Processing, training and transform jobs, run as processes in namespaces of their own."""
