"""What builds came to: the journal, the results of a run, and what a retry still has to do."""
