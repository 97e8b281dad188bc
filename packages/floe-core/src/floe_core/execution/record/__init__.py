"""The outcome of builds: the journal, the results of a run, and what a retry still has to do."""
