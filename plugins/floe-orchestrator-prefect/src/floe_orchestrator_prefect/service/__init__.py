"""The running Prefect, asked through its API."""
