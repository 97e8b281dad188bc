"""What floe.yaml and `meta` say of nodes, and the nodes that floe adds to dbt's."""
