"""What users write in YAML, with the place of each value."""
