"""Rules: what each construct of another tool becomes. Each has a code, as in ruff."""
