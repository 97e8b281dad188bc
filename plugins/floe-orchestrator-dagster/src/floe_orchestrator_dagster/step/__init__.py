"""Code that runs inside Dagster: the step of a build, and the events it emits."""
