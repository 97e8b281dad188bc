"""Pod sizes."""
