"""`floe helm`: the values of an orchestrator's chart, from the products that it runs."""
