"""The kit on the right paper plugin, with its runs, and on each that is broken in them."""

from __future__ import annotations

from paper_conformance import conformance_of
from paper_orchestrator import PaperPluginThatIsRun
from planted_faults import FAULTS

PLUGIN_CLASSES = [PaperPluginThatIsRun, *(fault for fault in FAULTS if fault.is_run)]
globals().update({f"Test{each.__name__}": conformance_of(each) for each in PLUGIN_CLASSES})
