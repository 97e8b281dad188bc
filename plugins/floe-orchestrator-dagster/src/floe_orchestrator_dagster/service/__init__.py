"""The running Dagster, asked through GraphQL."""
