"""Prove that a product does what the old tool does: each tool is asked in its own process."""
