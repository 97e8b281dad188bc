"""Updates of ports: which ports were updated, and which runs began with these updates."""
