"""What concerns dbt in a file and no reader has read: nothing is dropped in silence."""
