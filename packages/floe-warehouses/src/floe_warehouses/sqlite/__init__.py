"""What reuse reads in SQLite; floe itself knows its SQL."""
