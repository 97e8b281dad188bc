"""What dbt reads in a project: asked of it, and put into a graph."""
