"""Run one product on several orchestrators and hold the results against each other."""
