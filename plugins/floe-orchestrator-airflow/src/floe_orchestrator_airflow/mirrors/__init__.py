"""The tasks that show nodes, and what ends them in the triggerer."""
