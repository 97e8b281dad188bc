"""Drop dbt's events that nothing reads.

dbt creates some forty events per model, nearly all for its debug log: each is a protobuf message,
copied into another one and formatted as text, before dbt checks whether there is a log.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from floe_core.dbt.lighter_dbt.known_source import are_known, replaced

_LATER = "_floe_fields"


@contextmanager
def fewer_events(
    callbacks: Collection[Callable[[Any], None]], wanted: Collection[str]
) -> Iterator[None]:
    """Make dbt drop all debug events but the `wanted`, inside the block.

    If anything besides `callbacks` receives events (a log file, a console or another callback), dbt
    creates all of them.
    """
    try:
        from dbt.tracking import track_behavior_change_warn
        from dbt_common.events.base_types import BaseEvent, DebugLevel, EventLevel
        from dbt_common.events.event_manager import EventManager
    except ImportError:
        yield
        return
    if not are_known(BaseEvent, EventManager.fire_event, track_behavior_change_warn):
        yield
        return
    # It reads only one warning.
    listeners = [*callbacks, track_behavior_change_warn]
    unread = (EventLevel.DEBUG, EventLevel.TEST)
    fire = EventManager.fire_event

    @wraps(fire)
    def fire_event(
        self: Any,
        e: Any,
        level: Any = None,
        node: Any = None,
        force_warn_or_error_handling: bool = False,
    ) -> None:
        if (
            (level or e.level_tag()) in unread
            and type(e).__name__ not in wanted
            and not force_warn_or_error_handling
            and not self.loggers
            and all(each in listeners for each in self.callbacks)
        ):
            return
        fire(self, e, level, node, force_warn_or_error_handling)

    with replaced(EventManager, "fire_event", fire_event), _made_when_read(BaseEvent, DebugLevel):
        yield


@contextmanager
def _made_when_read(base_event: Any, debug_level: Any) -> Iterator[None]:
    """Create the protobuf message of a debug event only when one of its fields is read."""
    make, look_up, change = (
        vars(base_event)[name] for name in ("__init__", "__getattr__", "__setattr__")
    )

    @wraps(make)
    def __init__(self: Any, *args: Any, **fields: Any) -> None:
        if args or type(self).level_tag is not debug_level.level_tag:
            make(self, *args, **fields)
        else:
            vars(self)[_LATER] = fields

    @wraps(look_up)
    def __getattr__(self: Any, name: str) -> Any:
        make_now(self)
        return vars(self)[name] if name in vars(self) else look_up(self, name)

    @wraps(change)
    def __setattr__(self: Any, name: str, value: Any) -> None:
        make_now(self)
        change(self, name, value)

    def make_now(event: Any) -> None:
        fields = vars(event).pop(_LATER, None)
        if fields is not None:
            make(event, **fields)

    with (
        replaced(base_event, "__init__", __init__),
        replaced(base_event, "__getattr__", __getattr__),
        replaced(base_event, "__setattr__", __setattr__),
    ):
        yield
