"""Summary: what is reported to the operator after a run, and the state of everything."""
