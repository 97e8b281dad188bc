"""Which nodes a run builds: those that a selection matches, and those that a request wants."""
