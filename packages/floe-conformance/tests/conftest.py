"""Make the paper orchestrator importable, here and by the plugin registry."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "paper"))
