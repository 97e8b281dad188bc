"""What runs inside a flow of Prefect."""
