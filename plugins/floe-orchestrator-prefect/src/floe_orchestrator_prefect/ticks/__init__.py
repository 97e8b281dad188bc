"""Schedules, and what takes up a changed one."""
