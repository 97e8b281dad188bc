"""OpenLineage's HTTP transport, changed so that only a direct 2xx counts as delivered."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from openlineage.client.transport.http import HttpTransport
from requests import PreparedRequest, RequestException, Response, Session

from floe_core.storage.spooling.bounded_requests import BoundedAdapter

if TYPE_CHECKING:
    from openlineage.client.client import Event

# The redirects that keep method and body. After the others, a POST becomes a GET without its event.
_KEEPS_METHOD_AND_BODY = frozenset({307, 308})
_HTML_TYPES = ("text/html", "application/xhtml+xml")
# White space, and the byte order marks of UTF-8 and UTF-16.
_BEFORE_TEXT = b" \t\r\n\0\xef\xbb\xbf\xfe\xff"


class NotAcceptedError(RequestException):
    """A response that does not show that an OpenLineage backend accepted the event."""


class DirectHttpTransport(HttpTransport):
    """Sends an event, and raises unless the backend itself accepts it.

    A 307 or 308 is followed to the same host, such as from `http` to `https`. Another host would
    receive the headers, and with them the credentials, meant for the first.
    """

    @property
    def session(self) -> Session:
        """The session that all events go through."""
        if not self._session:
            self._session = _DirectSession()
            if self.config.adapter:
                self._prepare_session(self._session)
        return self._session

    @session.setter
    def session(self, value: Session | None) -> None:
        self._session = value

    def emit(self, event: Event) -> Response:
        """Send an event.

        Raises:
            RequestException: It was not sent, or not accepted.
        """
        response = super().emit(event)
        if reason := _explain_rejection(response):
            raise NotAcceptedError(reason, response=response)
        return response


class _DirectSession(Session):
    """Follows only the redirects after which the event is still sent, and to the same place.

    Without the client's retries: floe itself retries, from disk.
    """

    def __init__(self) -> None:
        super().__init__()
        for scheme in ("http://", "https://"):
            self.mount(scheme, BoundedAdapter())

    def get_redirect_target(self, resp: Response) -> str | None:
        target = super().get_redirect_target(resp)
        if not target or resp.status_code not in _KEEPS_METHOD_AND_BODY:
            return None
        return target if _is_same_place(resp.request, urljoin(resp.url, target)) else None


def _is_same_place(request: PreparedRequest, target: str) -> bool:
    before, after = urlsplit(request.url or ""), urlsplit(target)
    is_downgrade = before.scheme == "https" and after.scheme != "https"
    return before.hostname == after.hostname and not is_downgrade


def _explain_rejection(response: Response) -> str:
    """Return why a response without an error status does not accept the event, "" if it does."""
    status = f"{response.status_code} {response.reason or ''}".strip()
    if not 200 <= response.status_code < 300:
        target = urlsplit(urljoin(response.url, response.headers.get("location", "")))
        # Without the query: that of a login page contains tokens.
        where = f" to {target.scheme}://{target.hostname}{target.path}" if target.hostname else ""
        return (
            f"{status}: the backend redirects{where}, which would lose the event; "
            "set the address that takes OpenLineage events itself"
        )
    if _is_html(response):
        return (
            f"{status} with an HTML page: not the answer of an OpenLineage backend; "
            "check the address, and whether a proxy or a login page is before it"
        )
    return ""


def _is_html(response: Response) -> bool:
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind in _HTML_TYPES or response.content.lstrip(_BEFORE_TEXT).startswith(b"<")
