"""Code that runs inside a Prefect flow."""
