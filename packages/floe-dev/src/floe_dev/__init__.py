"""`floe dev`: an orchestrator that takes up what a developer changes."""
