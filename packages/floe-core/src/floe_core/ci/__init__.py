"""Check a change of a product: build what it reaches beside production, and report the outcome."""
