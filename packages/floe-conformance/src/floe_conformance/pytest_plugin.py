"""The pytest plugin that prints a summary of the kit's checks for each subclass."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

import pytest

from floe_conformance import OrchestratorConformance, __version__
from floe_core.plugin_interfaces import FLOE_API_VERSION

_PROPERTY = "floe_conformance"
_COUNTED = {"passed": "held", "failed": "not held", "error": "not held", "skipped": "left out"}


def pytest_itemcollected(item: pytest.Item) -> None:
    """Record the class of each check in its report, since it may run in another process."""
    of_class = getattr(item, "cls", None)
    if of_class is not None and issubclass(of_class, OrchestratorConformance):
        item.user_properties.append((_PROPERTY, of_class.__name__))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print a line for each class: checks held, not held and left out, and why those were."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    reasons: dict[str, set[str]] = defaultdict(set)
    for outcome, word in _COUNTED.items():
        for report in terminalreporter.getreports(outcome):
            for of_class in _classes(report):
                counts[of_class][word] += 1
                if word == "left out":
                    reasons[of_class].add(_reason(report))
    if counts:
        title = f"floe conformance kit {__version__}, interface {FLOE_API_VERSION}"
        terminalreporter.write_sep("=", title)
    for of_class, found in sorted(counts.items()):
        terminalreporter.write_line(_line(of_class, found, reasons[of_class]))


def _classes(report: pytest.TestReport | pytest.CollectReport) -> Iterable[str]:
    properties = getattr(report, "user_properties", [])
    return [str(value) for name, value in properties if name == _PROPERTY]


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")


def _line(of_class: str, found: Counter[str], reasons: set[str]) -> str:
    parts = [f"{found[word]} {word}" for word in ("held", "not held") if found[word]]
    if found["left out"]:
        parts.append(f"{found['left out']} left out ({'; '.join(sorted(reasons))})")
    return f"{of_class}: {', '.join(parts)}"
