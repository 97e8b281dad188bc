"""Apply the settings of floe.yaml and `meta` to nodes, and add floe's own nodes to dbt's."""
