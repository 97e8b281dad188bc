"""Write a DAG file anew: the same text, but for what floe replaces."""
