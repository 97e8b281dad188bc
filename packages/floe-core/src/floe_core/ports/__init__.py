"""What products tell each other: which ports were updated, and which runs began with them."""
