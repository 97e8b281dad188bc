"""Write the classes of Java archives under another package name."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterable
from pathlib import Path

# Entries of a class file's constant pool: tag -> bytes after it. A text has tag 1 and its length.
# https://docs.oracle.com/javase/specs/jvms/se17/html/jvms-4.html#jvms-4.4
TEXT = 1
SIZES = {
    **dict.fromkeys((3, 4, 9, 10, 11, 12, 17, 18), 4),
    **dict.fromkeys((5, 6), 8),
    **dict.fromkeys((7, 8, 16, 19, 20), 2),
    15: 3,
}
TAKES_TWO_PLACES = (5, 6)
FIRST = 10


def rename_classes(archives: Iterable[Path], old: str, new: str, target: Path) -> Path:
    """Write the classes below `old`, such as com/shop, to an archive, as if below `new`."""
    with zipfile.ZipFile(target, "w") as written:
        for archive in archives:
            with zipfile.ZipFile(archive) as read:
                for name in read.namelist():
                    if name.startswith(old) and name.endswith(".class"):
                        code = rename_in_class(read.read(name), old, new)
                        written.writestr(name.replace(old, new, 1), code)
    return target


def rename_in_class(code: bytes, old: str, new: str) -> bytes:
    """Return a class file with other names in the texts of its constant pool."""
    pairs = [(a.encode(), b.encode()) for a, b in ((old, new), (_dotted(old), _dotted(new)))]
    (count,) = struct.unpack_from(">H", code, FIRST - 2)
    written, at, place = [code[:FIRST]], FIRST, 1
    while place < count:
        tag = code[at]
        if tag == TEXT:
            (length,) = struct.unpack_from(">H", code, at + 1)
            text = code[at + 3 : at + 3 + length]
            for before, after in pairs:
                text = text.replace(before, after)
            written.append(struct.pack(">BH", TEXT, len(text)) + text)
            at += 3 + length
        else:
            written.append(code[at : at + 1 + SIZES[tag]])
            at += 1 + SIZES[tag]
        place += 2 if tag in TAKES_TWO_PLACES else 1
    return b"".join(written) + code[at:]


def _dotted(name: str) -> str:
    return name.replace("/", ".")
