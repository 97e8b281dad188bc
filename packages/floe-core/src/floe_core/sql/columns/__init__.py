"""Read a query from the inside out: the columns of each part, and what is known of each."""
