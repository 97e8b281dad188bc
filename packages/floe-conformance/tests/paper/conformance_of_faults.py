"""The kit on the right paper plugin and on each that is broken in what needs no run."""

from __future__ import annotations

from paper_conformance import conformance_of
from paper_orchestrator import PaperPlugin
from planted_faults import FAULTS

PLUGIN_CLASSES = [PaperPlugin, *(fault for fault in FAULTS if not fault.is_run)]
globals().update({f"Test{each.__name__}": conformance_of(each) for each in PLUGIN_CLASSES})
