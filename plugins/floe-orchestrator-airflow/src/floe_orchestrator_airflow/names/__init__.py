"""What DAGs, tasks and assets are called, and which run of a product a task belongs to."""
