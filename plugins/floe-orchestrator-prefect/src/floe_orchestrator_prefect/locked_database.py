"""Retries requests that a server on SQLite could not handle while another was writing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

UNAVAILABLE = 503
# Seconds between tries; the last response is sent, whatever it is.
PAUSES = (0.02, 0.05, 0.1, 0.2)


class AnswerAgain:
    """An ASGI app that repeats a request to another app if that responds with 503.

    With this status, Prefect's server requests another try of a transaction it has rolled back,
    most often because its database was locked. Prefect's client retries after two seconds.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        request = [await receive()]
        while request[-1].get("more_body"):
            request.append(await receive())
        for pause in PAUSES:
            answer = _Answer(send)
            try:
                # A copy, as routers write their position into it.
                await self._app({**scope}, _replay(request, receive), answer.pass_on)
            except Exception:
                # The response was sent: frameworks raise an error again so that it gets logged.
                if not answer.is_held_back:
                    raise
            if not answer.is_held_back:
                return None
            await asyncio.sleep(pause)
        return await self._app({**scope}, _replay(request, receive), send)


class _Answer:
    """A response that is sent, unless it requests another try."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.is_held_back = False

    async def pass_on(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.is_held_back = message["status"] == UNAVAILABLE
        if not self.is_held_back:
            await self._send(message)


def _replay(request: list[Message], receive: Receive) -> Receive:
    """Return a `receive` that replays the request, and then passes on what follows it."""
    kept = iter(request)

    async def next_message() -> Message:
        for message in kept:
            return message
        return await receive()

    return next_message
