"""A product's folder: its identity, and where floe keeps its state."""
