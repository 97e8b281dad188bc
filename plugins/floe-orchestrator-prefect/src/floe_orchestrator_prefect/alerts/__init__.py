"""Alerts: reports the ends of flow runs, through hooks of the flow, and missed deadlines."""
