"""Check a change of a product: build the affected nodes beside production, and report."""
