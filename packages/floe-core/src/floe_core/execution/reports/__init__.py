"""Reports of a build to alerts, lineage, the ledger of ports, and tracing."""
