"""`--log-format json`: each line of stderr is one object, whatever happens."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from floe_core.cli import console, main
from floe_core.cli.console import LogFormat, choose_log_format, log_event, write_log
from floe_core.runs.build_events import (
    BuildEnded,
    BuildEvent,
    NodeLog,
    NodeResult,
    NodeStarted,
    PartitionResult,
)

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def text_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "_chosen", None)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (NodeStarted("model.a", NOW), {"event": "node_started", "level": "info", "node": "model.a"}),
        (
            NodeLog("model.a", "warn", "careful\x1b[2J"),
            {"event": "log", "level": "warn", "message": "careful\x1b[2J", "node": "model.a"},
        ),
        (
            NodeResult("model.a", "error", 1.5, "no\nsuch column"),
            {"event": "node_result", "level": "error", "status": "error", "seconds": 1.5,
             "message": "no\nsuch column"},
        ),
        (NodeResult("test.t", "warn", failures=2), {"level": "warn", "failures": 2}),
        (
            PartitionResult("model.a", "2026-03-01", "success"),
            {"event": "partition_result", "key": "2026-03-01", "status": "success"},
        ),
        (BuildEnded(False, "timed out"), {"event": "build_ended", "level": "error"}),
    ],
)  # fmt: skip
def test_an_event_is_one_line(
    event: BuildEvent, expected: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    log_event(event)
    [found] = lines(capsys)
    assert expected.items() <= found.items()
    assert datetime.fromisoformat(found["ts"]).utcoffset() is not None


def test_a_line_is_ascii_without_controls(capsys: pytest.CaptureFixture[str]) -> None:
    write_log("log", "info", "a\x1b[2J\r\nb\u202e ü")
    written = capsys.readouterr().err
    assert written.isascii()
    assert all(" " <= each <= "~" for each in written.rstrip("\n"))


def test_an_error_is_a_line_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["floe", "run", str(tmp_path), "--log-format", "json"])
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == 1
    *_, last = lines(capsys)
    assert (last["event"], last["level"]) == ("error", "error")
    assert "floe.yaml" in last["message"]


def test_the_variable_is_for_every_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(console.VARIABLE, LogFormat.JSON)
    monkeypatch.setattr("sys.argv", ["floe", "compile", str(tmp_path)])
    with pytest.raises(SystemExit):
        main.main()
    assert [each["event"] for each in lines(capsys)][-1] == "error"
    assert choose_log_format(LogFormat.TEXT) == LogFormat.TEXT
    assert not console.is_json_log(), "the option wins"
