"""Time partitions: their calendar, and the ones that a run builds."""
