"""Check an installation and a product: what is wrong, what waits, and how to fix it."""
