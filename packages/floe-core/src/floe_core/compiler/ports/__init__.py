"""Resolve the ports that a product offers to others and reads from them."""
