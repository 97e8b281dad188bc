"""Hide the type of flags in `--help`, since a flag takes no value."""

from __future__ import annotations

from typing import Any

from typer.core import TyperOption

_type_shown = TyperOption.display_type_rich


def hide_types_of_flags() -> None:
    """Make help in this process show `--json` where typer 0.29 shows `--json <bool>`.

    A metavar would do for our own options, but not for `--help` or `--install-completion`.
    """
    TyperOption.display_type_rich = _without_type_of_flag  # type: ignore[method-assign, assignment]


def _without_type_of_flag(option: TyperOption, ctx: Any) -> str | None:
    return None if option.is_flag else _type_shown(option, ctx)
