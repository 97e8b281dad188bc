"""What a reader of one tool returns."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from floe_import.drafts.group_draft import GroupDraft
from floe_import.python.values import Value
from floe_import.report.findings import Finding


@dataclass(frozen=True)
class Reading:
    """The groups of a file by what makes each, and a finding for each construct.

    `is_old` tells the values of the tool, which the written file no longer needs.
    """

    groups: Sequence[tuple[ast.AST, GroupDraft]]
    findings: list[Finding]
    is_old: Callable[[Value], bool]
