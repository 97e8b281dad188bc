"""What a build reports, and to whom: alerts, lineage, ports, tracing."""
