"""Pack the code of a node's last build, so that it is small enough for the state."""

from __future__ import annotations

from base64 import b64decode, b64encode
from difflib import unified_diff
from zlib import compress, decompress

# Characters of packed code; longer code, such as generated SQL, is not kept.
_LONGEST = 50_000


def pack_code(code: str) -> str:
    """Return code in the format that `unpack_code` reads, "" if it is too long to keep."""
    packed = b64encode(compress(code.encode(), 9)).decode()
    return packed if len(packed) <= _LONGEST else ""


def unpack_code(packed: str) -> str:
    """Return the code that was packed, "" for none."""
    return decompress(b64decode(packed)).decode() if packed else ""


def compare_codes(before: str, after: str, last_run: str) -> str:
    """Return a unified diff of two codes, "" if they are equal."""
    old, new = before.strip().splitlines(), after.strip().splitlines()
    lines = unified_diff(old, new, f"run {last_run}", "now", lineterm="")
    return "\n".join(lines)
