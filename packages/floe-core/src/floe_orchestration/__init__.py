"""The distribution `floe-orchestration`: its command, and what tells it apart from a namesake.

Nothing else on a package index has this import name, so what is here runs even where another
project has put its own `floe_core` over ours. It imports nothing but the standard library.
"""
