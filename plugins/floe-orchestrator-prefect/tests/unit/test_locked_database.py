"""A local server answers again where its database was locked, before the client asks again."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from floe_orchestrator_prefect import locked_database
from floe_orchestrator_prefect.locked_database import PAUSES, AnswerAgain

ALWAYS = 100


class LockedError(Exception):
    """What a database says that another one writes to."""


class Server:
    """A server whose database is locked so many times, with Prefect's way to answer then."""

    def __init__(self, times: int) -> None:
        self.left = times
        self.bodies: list[bytes] = []
        routes = [Route("/task_runs/", self._create, methods=["POST"])]
        answers = {Exception: self._unavailable}
        api = Starlette(routes=routes, exception_handlers=answers)
        self.app = AnswerAgain(Starlette(routes=[Mount("/api", api)]))

    async def _create(self, request: Request) -> Response:
        self.bodies.append(await request.body())
        if self.left:
            self.left -= 1
            raise LockedError
        return JSONResponse({"id": 1}, 201)

    async def _unavailable(self, request: Request, error: Exception) -> Response:
        is_locked = isinstance(error, LockedError)
        return JSONResponse({"detail": "again"}, 503 if is_locked else 500)

    async def post(self) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
            return await client.post("/api/task_runs/", content=b"a task run")


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locked_database, "PAUSES", (0.0,) * len(PAUSES))


@pytest.mark.parametrize("times", range(len(PAUSES) + 1))
def test_it_is_answered_in_the_end_with_the_whole_request_each_time(times: int) -> None:
    server = Server(times)
    answer = asyncio.run(server.post())
    assert (answer.status_code, answer.json()) == (201, {"id": 1})
    assert server.bodies == [b"a task run"] * (times + 1)


def test_what_stays_locked_is_left_to_the_client() -> None:
    server = Server(ALWAYS)
    assert asyncio.run(server.post()).status_code == 503
    assert len(server.bodies) == len(PAUSES) + 1


def test_another_error_is_answered_once() -> None:
    server = Server(0)
    server.bodies = None  # type: ignore[assignment]
    assert asyncio.run(server.post()).status_code == 500
