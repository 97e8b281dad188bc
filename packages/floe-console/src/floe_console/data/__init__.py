"""What is known of a platform now: its places, runs, products, and why the rest is not known."""
