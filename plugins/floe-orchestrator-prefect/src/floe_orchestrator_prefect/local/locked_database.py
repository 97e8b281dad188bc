"""Requests that a server on SQLite could not answer, as another one was writing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

UNAVAILABLE = 503
# Between tries; the last one's answer is sent, whatever it is.
PAUSES = (0.02, 0.05, 0.1, 0.2)


class AnswerAgain:
    """An ASGI app that asks another one again where that answers 503.

    With this status, Prefect's server asks for another try of what it has rolled back, most often
    because its database was locked. Prefect's client makes one after two seconds.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        request = [await receive()]
        while request[-1].get("more_body"):
            request.append(await receive())
        for pause in PAUSES:
            answer = _Answer(send)
            try:
                # A copy, as routers write into it where they are.
                await self._app({**scope}, _replaying(request, receive), answer.pass_on)
            except Exception:
                # It has been answered: frameworks raise an error again for whoever logs it.
                if not answer.is_held_back:
                    raise
            if not answer.is_held_back:
                return None
            await asyncio.sleep(pause)
        return await self._app({**scope}, _replaying(request, receive), send)


class _Answer:
    """An answer that is sent, unless it asks for another try."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.is_held_back = False

    async def pass_on(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.is_held_back = message["status"] == UNAVAILABLE
        if not self.is_held_back:
            await self._send(message)


def _replaying(request: list[Message], receive: Receive) -> Receive:
    """Return what receives a request as it came, and then what follows it."""
    kept = iter(request)

    async def next_message() -> Message:
        for message in kept:
            return message
        return await receive()

    return next_message
