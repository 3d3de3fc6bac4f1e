"""What the executions' lineages in the artifacts bucket say, and the models that came of them."""
