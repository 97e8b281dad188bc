"""Runs that `floe run` starts on this machine, each in a process of its own.

One side launches the run (`launch`, `run_process`), the other executes it in the orchestrator's
engine (`run_report`); `run_order` holds the messages between them.
"""
