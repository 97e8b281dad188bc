"""`floe migrate`: move a live product from one orchestrator to another."""
