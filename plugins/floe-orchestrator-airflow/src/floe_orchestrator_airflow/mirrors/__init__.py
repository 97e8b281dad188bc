"""The tasks that show nodes, and the triggers that end them."""
