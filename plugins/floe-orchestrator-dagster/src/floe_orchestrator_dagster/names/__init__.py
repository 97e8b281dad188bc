"""What assets, checks, jobs and runs are called, and where a product's nodes are among them."""
