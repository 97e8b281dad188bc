"""Which nodes a run builds: what a selection takes, and what a request wants."""
