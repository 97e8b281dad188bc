"""The kit on the right paper plugin, with its runs, and on each that is broken in them.

With OWN_CHECK in the environment, a broken one is given only the check that is to find it.
"""

from __future__ import annotations

import os

from paper_conformance import conformance_of
from paper_orchestrator import PaperPluginThatIsRun
from planted_faults import FAULTS
from pytest_of_its_own import OWN_CHECK

PLUGIN_CLASSES = [PaperPluginThatIsRun, *(fault for fault in FAULTS if fault.is_run)]
CLASSES = {each: conformance_of(each) for each in PLUGIN_CLASSES}
if os.environ.get(OWN_CHECK):
    for fault in PLUGIN_CLASSES[1:]:
        own = fault.caught_by.partition("[")[0]
        for name in dir(CLASSES[fault]):
            if name.startswith("test_") and name != own:
                setattr(CLASSES[fault], name, None)
globals().update({f"Test{each.__name__}": found for each, found in CLASSES.items()})
