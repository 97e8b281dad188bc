"""What reuse needs to know about each warehouse's catalog and SQL, one module per warehouse."""
