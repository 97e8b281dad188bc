"""The store of alerts as one text that machines share: at a URL, in PostgreSQL, in a folder.

For pods, whose own disks are temporary. An alert that is being sent is claimed for a while, so that
no two processes send it; if its sender is killed, the next one sends it.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from floe_core.alerts.alert import Alert
from floe_core.alerts.alert_channel import LONGEST_SECONDS, AlertChannel
from floe_core.alerts.alert_store import Act, FlushedTarget, RefusedAlert, Result, Target, Waiting
from floe_core.alerts.notes import MappedNotes
from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.storage.shared_text import SharedText
from floe_core.storage.spooling.draining import try_to_send

MOST_WAITING = 1000
_AT_ONCE = 4
# Longer than it takes to send what one process has claimed.
CLAIM_SECONDS = _AT_ONCE * LONGEST_SECONDS + 30.0
_BETWEEN_TRIES_SECONDS = 0.5


@dataclass(slots=True)
class _Content:
    """The text. An entry has `target`, `alert`, `claim`, `claimed_until`, `failure`, `refused`."""

    notes: dict[str, Any] = field(default_factory=dict)
    entries: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def of(cls, text: bytes | None, place: str) -> _Content:
        if not text:
            return cls()
        try:
            found = json.loads(text)
            return cls(dict(found["notes"]), list(found["entries"]))
        except (ValueError, KeyError, TypeError) as error:
            what = f"{place}: holds something that is not an alert store; remove it"
            raise EnvironmentProblemError(what) from error

    def text(self) -> bytes:
        found = {"notes": self.notes, "entries": self.entries}
        return json.dumps(found, ensure_ascii=False, sort_keys=True).encode()

    def of_target(self, variable: str, *, refused: bool = False) -> list[dict[str, Any]]:
        own = (entry for entry in self.entries if entry["target"] == variable)
        return [entry for entry in own if bool(entry["refused"]) == refused]


@dataclass(slots=True)
class _Sent:
    """The results of claimed alerts, by id; `failure` is why the rest was not sent.

    `retry_at` is when it may be sent, in seconds since the epoch.
    """

    sent: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)
    failure: str = ""
    retry_at: float = 0.0


class SharedStore:
    """See `AlertStore`."""

    def __init__(self, text: SharedText) -> None:
        self._text = text

    def change(self, act: Act[Result]) -> Result:
        """See `AlertStore.change`. Nothing is written if nothing changes."""
        results: list[Result] = []

        def apply(old: bytes | None) -> bytes:
            content = self._content(old)
            results.append(act(MappedNotes(content.notes), _spool_of(content)))
            return content.text()

        before = self._text.read()
        if apply(before) != self._content(before).text():
            self._text.change(apply)
        return results[-1]

    def send(self, targets: Sequence[Target]) -> None:
        """See `AlertStore.send`."""
        content = self._content(self._text.read())
        for target in targets:
            if any(_is_free(entry) for entry in content.of_target(target.variable)):
                self._send(target)

    def flush(self, target: Target, deadline: float, *, also_refused: bool) -> FlushedTarget:
        """See `AlertStore.flush`."""
        if also_refused:
            self._wait_again(target.variable)
        sent = refused = 0
        while True:
            done = self._send(target)
            sent, refused = sent + len(done.sent), refused + len(done.refused)
            left = self.read_waiting(target)
            if not left.count or time.monotonic() + _BETWEEN_TRIES_SECONDS >= deadline:
                reason = (left.last_failure or "others are sending them") if left.count else ""
                return FlushedTarget(target.variable, sent, refused, left.count, reason)
            if not done.sent:
                time.sleep(_BETWEEN_TRIES_SECONDS)

    def read_waiting(self, target: Target) -> Waiting:
        """See `AlertStore.read_waiting`."""
        content = self._content(self._text.read())
        waiting = content.of_target(target.variable)
        refused = content.of_target(target.variable, refused=True)
        return Waiting(
            count=len(waiting),
            refused=tuple(RefusedAlert(e["alert"]["title"], e["refused"]) for e in refused),
            last_failure=next((e["failure"] for e in waiting if e["failure"]), ""),
        )

    def _send(self, target: Target) -> _Sent:
        claimed = self._claim(target.variable)
        done = _send_all(AlertChannel(target.variable), claimed)
        if claimed:
            self._settle(target.variable, {e["alert"]["alert_id"] for e in claimed}, done)
        return done

    def _claim(self, variable: str) -> list[dict[str, Any]]:
        """Return some alerts, oldest first, that no other process will send for a while."""
        claim = uuid.uuid4().hex

        def mark(old: bytes | None) -> bytes:
            content = self._content(old)
            free = [entry for entry in content.of_target(variable) if _is_free(entry)]
            for entry in free[:_AT_ONCE]:
                entry.update(claim=claim, claimed_until=time.time() + CLAIM_SECONDS)
            return content.text()

        content = self._content(self._text.read())
        if not any(_is_free(entry) for entry in content.of_target(variable)):
            return []
        self._text.change(mark)
        content = self._content(self._text.read())
        return [entry for entry in content.entries if entry["claim"] == claim]

    def _settle(self, variable: str, claimed: set[str], done: _Sent) -> None:
        def settle(old: bytes | None) -> bytes:
            content = self._content(old)
            for entry in content.of_target(variable):
                id_ = entry["alert"]["alert_id"]
                if id_ in done.sent:
                    content.entries.remove(entry)
                elif id_ in claimed:
                    why = done.refused.get(id_, "")
                    entry.update(claim="", failure=done.failure, refused=why)
                    entry["claimed_until"] = done.retry_at
            return content.text()

        self._text.change(settle)

    def _wait_again(self, variable: str) -> None:
        def requeue(old: bytes | None) -> bytes:
            content = self._content(old)
            for entry in content.of_target(variable, refused=True):
                entry["refused"] = ""
            return content.text()

        self._text.change(requeue)

    def _content(self, text: bytes | None) -> _Content:
        return _Content.of(text, self._text.place)


def _spool_of(content: _Content) -> Any:
    def spool(target: Target, alert: Alert) -> None:
        own = [entry for entry in content.entries if entry["target"] == target.variable]
        if any(entry["alert"]["alert_id"] == alert.alert_id for entry in own):
            return
        if len(own) >= MOST_WAITING:
            what = f"{MOST_WAITING} alerts wait for {target.variable}; further ones are dropped"
            raise EnvironmentProblemError(what)
        entry = {"target": target.variable, "alert": alert.to_json(), "claim": ""}
        content.entries.append({**entry, "claimed_until": 0, "failure": "", "refused": ""})

    return spool


def _is_free(entry: dict[str, Any]) -> bool:
    return not entry["refused"] and float(entry["claimed_until"]) < time.time()


def _send_all(channel: AlertChannel, claimed: Iterable[dict[str, Any]]) -> _Sent:
    """Send alerts in order, up to the first that the receiver cannot accept now."""
    done = _Sent()
    for entry in claimed:
        id_, unsent = entry["alert"]["alert_id"], try_to_send(channel, entry["alert"])
        if unsent is None:
            done.sent.add(id_)
        elif unsent.outcome == "refused":
            done.refused[id_] = unsent.reason
        else:
            done.failure, done.retry_at = unsent.reason, time.time() + unsent.retry_after
            break
    return done
