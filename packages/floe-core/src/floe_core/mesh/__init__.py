"""All products of a platform: the ports that they offer each other, and the state of each."""
