"""What rules collect."""
