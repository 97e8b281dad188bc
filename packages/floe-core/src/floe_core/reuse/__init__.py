"""Decide which nodes a build can reuse, and why the others must be built."""
