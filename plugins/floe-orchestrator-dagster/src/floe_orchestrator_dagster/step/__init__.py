"""What runs inside Dagster: the step of a build, and what it emits."""
