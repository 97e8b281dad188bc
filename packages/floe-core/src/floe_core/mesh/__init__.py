"""All products of a platform: what they offer each other, and how each of them is."""
