"""A run that `floe run` starts on this machine, in a process of its own.

The one side launches (`launch`, `run_process`), the other runs in the orchestrator's engine
(`event_feed`, `run_report`, `parent_watch`); `run_order` is what they say to each other.
"""
