"""A power of a plugin as a line of its class: where its function is, imported when it is called."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any


class power:
    """A method that calls `MODULE:FUNCTION`, with the module relative to the plugin's package.

    The function gets the method's arguments and, if `settings`, the plugin's settings after them.

        class Plugin(ProductPlugin):
            concepts = power(".concepts:concepts")
            check_pools = power(".service.pool_check:check_pools", settings=True)
    """

    def __init__(self, target: str, *, settings: bool = False) -> None:
        self._module, _, self._function = target.partition(":")
        self._settings = settings

    def __set_name__(self, owner: type, name: str) -> None:
        self.__doc__ = f"See the protocol of `{name}` in `floe_core.plugin_api.powers`."
        self._package = owner.__module__.rpartition(".")[0]

    def __get__(self, plugin: Any, owner: type) -> Callable[..., Any]:
        return partial(self._call, plugin)

    def _call(self, plugin: Any, *arguments: Any, **named: Any) -> Any:
        found = import_module(self._module, self._package)
        for name in self._function.split("."):
            found = getattr(found, name)
        if self._settings:
            arguments = (*arguments, plugin._settings)
        return found(*arguments, **named)  # type: ignore[operator]
