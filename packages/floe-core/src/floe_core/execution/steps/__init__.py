"""The steps of a product, each a process of its own or a pod."""
