"""What all tests share."""

from __future__ import annotations

import signal

from hypothesis import HealthCheck, settings

# How long an example takes says how busy the machine is, and nothing about the code. A gate tries
# the same examples each time; `pytest --hypothesis-profile=explore` tries others.
HASTE = HealthCheck.too_slow
settings.register_profile("gate", deadline=None, derandomize=True, suppress_health_check=[HASTE])
settings.register_profile("explore", deadline=None, suppress_health_check=[HASTE])
settings.load_profile("gate")

# What a script starts in the background ignores ^C, and so would every program that a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)
