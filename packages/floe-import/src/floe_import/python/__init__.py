"""Python source, read by syntax tree: nothing of the user is executed."""
