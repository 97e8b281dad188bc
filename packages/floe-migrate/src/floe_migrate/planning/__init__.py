"""What would be lost by a move, or is unknown."""
