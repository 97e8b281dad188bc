"""Build a part of a product partition by partition."""
