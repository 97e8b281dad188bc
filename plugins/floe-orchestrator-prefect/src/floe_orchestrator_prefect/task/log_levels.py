"""Maps dbt's message levels to those of Python's logging."""

from __future__ import annotations

import logging
from collections import defaultdict

LEVELS: defaultdict[str, int] = defaultdict(
    lambda: logging.INFO,
    {"debug": logging.DEBUG, "warn": logging.WARNING, "error": logging.ERROR},
)
