"""The move of a product's jobs: its records, and the steps from one to the next."""
