"""Alerts: the ends of flow runs, reported by hooks of their flow, and missed deadlines."""
