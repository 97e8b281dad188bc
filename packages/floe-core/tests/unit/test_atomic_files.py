from __future__ import annotations

import sys
from pathlib import Path

import pytest

from floe_core.atomic_files import write_together
from floe_core.errors import EnvironmentProblemError


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is there on Linux alone")
def test_a_place_that_cannot_be_written_is_named_as_the_user_named_it() -> None:
    with pytest.raises(EnvironmentProblemError) as caught:
        write_together(Path("/proc"), {"values.yaml": b"size: small\n"})
    assert str(caught.value) == (
        "/proc/values.yaml: cannot be written: No such file or directory; nothing was changed"
    )
