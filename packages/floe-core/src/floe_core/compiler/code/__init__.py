"""What the code of a node comes to, without running it."""
