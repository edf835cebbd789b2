"""The page as a server on this machine: documents are answered as they are asked for, from what the store publishes at the moment."""

import json
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from embed.errors import ArtworkMatcherError, CatalogError, PictureError
from embed.store import open_store
from match.comparing.sides import Side
from match.live import LiveMatcher, Serving
from match.page.app import script, style
from match.page.background import Background
from match.page.comparisons import Comparisons
from match.page.documents import answer
from match.page.documents.published import in_header
from match.page.parameters import Parameters
from match.page.pictures import Pictures
from match.page.shell import SERVED_POLICY, served_shell
from match.page.site import Reading, Site
from match.page.thumbnails import TYPE, WIDTHS

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
HEADERS = {
    "Content-Security-Policy": SERVED_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}

COMPRESSION = 5  # of what is answered: a third of the time of 9, and a few hundredths larger

_log = logging.getLogger(__name__)


class _Serving:
    """The site of the matcher that serves at the moment."""

    def __init__(
        self,
        live: LiveMatcher,
        users: Sequence[str] | None,
        titles: Sequence[str] | None,
        reading: Reading,
        sides: Sequence[Side],
    ) -> None:
        self._live, self._asked = live, (users, titles, reading, Comparisons(sides, users, titles), Background())
        self._site = self._made(live.serving)

    def site(self) -> Site:
        site, serving = self._site, self._live.serving
        if site.matcher is not serving.matcher:
            self._site = site = self._made(serving)
        return site

    def _made(self, serving: Serving) -> Site:
        return Site.of(open_store(self._live.root), serving.matcher, *self._asked, serving.published)


def application(
    live: LiveMatcher,
    reading: Reading,
    *,
    users: Sequence[str] | None = None,
    titles: Sequence[str] | None = None,
    sides: Sequence[Side] = (),
    hosts: Sequence[str] = LOOPBACK,
) -> "Starlette":
    """The ASGI application.

    sides: what the page proposes to compare with what serves; another store can be compared only where one of them is of it.
    hosts: by which names it may be asked; a page of another host that a browser was made to look up as this machine is refused.
    """
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.middleware.gzip import GZipMiddleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware
    from starlette.responses import Response
    from starlette.routing import Route

    serving, pictures = _Serving(live, users, titles, reading, sides), Pictures()

    def page(request: "Request") -> Response:
        return Response(served_shell(), media_type="text/html")

    def app_script(request: "Request") -> Response:
        return Response(script(), media_type="text/javascript")

    def app_style(request: "Request") -> Response:
        return Response(style(), media_type="text/css")

    def no_icon(request: "Request") -> Response:
        return Response(None, 204)

    def document(request: "Request") -> Response:
        return _document(serving.site(), request)

    def picture(request: "Request") -> Response:
        return _picture(serving.site(), pictures, request)

    routes = [
        Route("/", page),
        Route("/app.js", app_script),
        Route("/app.css", app_style),
        Route("/favicon.ico", no_icon),
        Route("/documents/{kind}", document),
        Route("/pictures/{width:int}/{sha256}.webp", picture),
    ]
    hosted = Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False)
    zipped = Middleware(GZipMiddleware, minimum_size=2048, compresslevel=COMPRESSION)
    guards = [Middleware(_with_headers), hosted, zipped]
    return Starlette(routes=routes, middleware=guards)


def _with_headers(app: "ASGIApp") -> "ASGIApp":
    """HEADERS on whatever is answered: refusals, too, and whatever a route forgets."""
    from starlette.datastructures import MutableHeaders

    async def asked(scope: "Scope", receive: "Receive", send: "Send") -> None:
        async def answered(message: "Message") -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await app(scope, receive, answered)

    return asked


def _document(site: Site, request: "Request") -> "Response":
    """What cannot be answered is said as {"error": …} with status 400, and what ought not to happen is logged, too."""
    from starlette.responses import Response

    status = 200
    try:
        told = answer(site, request.path_params["kind"], Parameters.checked(request.query_params))
    except ArtworkMatcherError as error:
        told, status = {"error": str(error)}, 400
    except Exception as error:
        _log.exception("%s", request.url)
        told, status = {"error": f"the server failed ({error!r}); its log says more"}, 500
    body = json.dumps(told, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Response(body, status, {"Cache-Control": "no-store", **in_header(site)}, "application/json")


def _picture(site: Site, pictures: Pictures, request: "Request") -> "Response":
    """404 and why where there is no such picture, 502 where the place in which all are cannot be reached."""
    from starlette.responses import Response

    width, sha256 = request.path_params["width"], request.path_params["sha256"]
    try:
        if width not in WIDTHS:
            raise PictureError(f"no thumbnail is {width} pixels wide; there are {', '.join(map(str, WIDTHS))}")
        data = pictures.ask(site, sha256, width)
    except (PictureError, CatalogError) as error:
        status = 404 if isinstance(error, PictureError) else 502
        return Response(str(error), status, {"Cache-Control": "no-store"}, "text/plain")
    return Response(data, 200, {"Cache-Control": "private, max-age=31536000, immutable"}, TYPE)
