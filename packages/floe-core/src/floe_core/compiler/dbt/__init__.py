"""Let dbt parse a project, and turn the result into a graph."""
