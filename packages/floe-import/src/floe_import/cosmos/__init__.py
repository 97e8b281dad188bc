"""Cosmos: DbtDag, DbtTaskGroup and its operators."""
