"""What the text of a query says of it."""
