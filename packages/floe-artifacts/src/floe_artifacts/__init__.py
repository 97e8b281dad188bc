"""dbt's own artifacts of each run, written where tools that read them look for them."""
