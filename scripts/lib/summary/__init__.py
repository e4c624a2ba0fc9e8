"""Summary: what the operator is told of a run and of the house."""
