"""How tests are handed out to processes."""

from __future__ import annotations

from xdist.scheduler import LoadFileScheduling

# A folder whose tests share a server: one process runs them all, and starts it once.
ONE_SERVER = "one_airflow"


class FilesAndServers(LoadFileScheduling):
    """Hands out whole files, and whole folders whose tests share a server."""

    def _split_scope(self, nodeid: str) -> str:
        folder, found, _ = nodeid.partition(f"/{ONE_SERVER}/")
        return folder + found if found else str(super()._split_scope(nodeid))
