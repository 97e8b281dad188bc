"""Builds that leave out what stands as they would make it."""
