"""The jobs of a product and what starts them, in each environment."""
