"""The API that a local Airflow builds for its components is the one that each would build."""

from __future__ import annotations

import json
import subprocess
import sys

# In a process of its own: what is built stays in place of Airflow's function.
COMPARE = """\
import json
from contextlib import asynccontextmanager
from airflow.api_fastapi.execution_api import app as module
from airflow.sdk.api.datamodels._generated import API_VERSION
from fastapi.openapi.utils import get_openapi
from floe_orchestrator_airflow.local.internals import build_execution_api

fresh = module.create_task_execution_api_app
build_execution_api()
assert module.create_task_execution_api_app is not fresh

entered = []

@asynccontextmanager
async def own(app):
    entered.append(app)
    yield

first = module.create_task_execution_api_app(lifespan=own)
second = module.create_task_execution_api_app()
third = fresh()
third._cadwyn_initialize()

def shown(app):
    routes = app.router.versioned_routers.items()
    return {str(version): sorted(map(str, router.routes)) for version, router in routes}

def schemas(app):
    routes = app.router.versioned_routers[API_VERSION].routes
    return get_openapi(title="", version="", routes=routes)

import asyncio

async def enter():
    async with first.router.lifespan_context(first):
        pass

asyncio.run(enter())
[newest] = shown(first)
print(json.dumps([
    newest == API_VERSION,
    shown(first)[newest] == shown(third)[newest],
    schemas(first) == schemas(third),
    len(shown(third)) > 1,
    first is second,
    entered == [first],
    [each.cls for each in first.user_middleware] == [each.cls for each in third.user_middleware],
]))
"""


def test_it_has_the_routes_and_the_lifespan_of_each_components_own() -> None:
    done = subprocess.run(
        [sys.executable, "-c", COMPARE], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout.splitlines()[-1]) == [True] * 4 + [False, True, True]


# A cadwyn that makes bundles of versions in another way.
REFUSED = """\
import cadwyn
from airflow.api_fastapi.execution_api import app as module
from airflow.api_fastapi.execution_api.routes import execution_api_router
from airflow.api_fastapi.execution_api.versions import bundle
from floe_orchestrator_airflow.local.internals import build_execution_api

cadwyn.VersionBundle = lambda versions: None
routes = list(execution_api_router.routes)
build_execution_api()
app = module.create_task_execution_api_app()
assert set(map(str, app.router.versioned_routers)) == {str(each.value) for each in bundle.versions}
assert execution_api_router.routes == routes
"""


def test_what_cadwyn_refuses_is_built_for_every_version() -> None:
    done = subprocess.run(
        [sys.executable, "-c", REFUSED], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "a local Airflow takes longer to start" in done.stdout + done.stderr
