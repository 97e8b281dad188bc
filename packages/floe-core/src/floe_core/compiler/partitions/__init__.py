"""Resolve and check `partitions` of floe.yaml."""
