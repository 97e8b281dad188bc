"""The sides of a comparison: where a product runs, in copies of it and schemas of their own."""
