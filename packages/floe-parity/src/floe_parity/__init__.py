"""Run one product on several orchestrators and compare the results."""
