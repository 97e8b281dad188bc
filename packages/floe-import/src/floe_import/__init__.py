"""Read the pipelines of other tools, and write the floe products that replace them."""
