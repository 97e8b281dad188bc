"""What reuse asks of a warehouse's catalog and its SQL, one module a warehouse."""
