"""What is asked of each request before anything is done for it, and said with each answer.

A browser sends requests to this machine also for pages of others. Two ways are shut here: a page
whose name its owner has moved to this machine's address (DNS rebinding), by the name that a request
asks for; and a form or a script of another page (cross-site request forgery), by its origin.
"""

import asyncio
import ipaddress
import time
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Guard", "Limits", "refusal"]

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
_LOCAL_NAMES = ("localhost", "localhost.localdomain")
_READS = ("GET", "HEAD")
_LEAST_SPEED = 20_000  # bytes a second, below any line that uploads pictures


@dataclass(frozen=True)
class Limits:
    """What a request may ask for.

    Attributes:
        upload: most bytes of one.
        waiting: most uploads at once; those above are told to come again.
        patience: seconds that an upload may take, besides those for its bytes at the least speed:
            one that drips would hold a place for ever.
        loopback: answer only requests to this machine itself.
        names: of this machine, which are answered as well as its addresses.
    """

    upload: int
    waiting: int = 32
    patience: float = 30.0
    loopback: bool = True
    names: Collection[str] = ()

    def knows(self, host: str) -> bool:
        """Return whether a request asks for this machine; not by a name that anyone may give it.

        Args:
            host: as its header has it, with or without a port.
        """
        try:
            name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
        except ValueError:
            return False
        if name in _LOCAL_NAMES or name in self.names:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return address.is_loopback or not self.loopback


class Guard:
    """Lets through what may be answered.

    Args:
        app: answers.
        limits: what may be asked for.
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app, self._limits = app, limits
        self._uploads = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        if refused := self._refusal(scope):
            await refused(scope, receive, send_with_headers)
        elif scope["method"] in _READS:
            await self._app(scope, receive, send_with_headers)
        else:
            await self._upload(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        if not self._limits.knows(host):
            said = f"{host or 'a request without a host'} is not answered"
            return refusal(421, f"{said}: ask for this machine by its address, or --allow-host it")
        if origin is not None and origin not in (f"http://{host}", f"https://{host}"):
            return refusal(403, "a page of another site is not answered")
        site = headers.get("sec-fetch-site", "none")
        follows_link = scope["method"] in _READS and headers.get("sec-fetch-mode") == "navigate"
        if site not in ("same-origin", "none") and not follows_link:
            return refusal(403, "a page of another site is not answered")
        return None

    async def _upload(self, scope: Scope, receive: Receive, send: Send) -> None:
        most = self._limits.upload
        if self._uploads >= self._limits.waiting:
            answer = refusal(503, "too many pictures are waiting: try again in a while")
            answer.headers["Retry-After"] = "10"
            await answer(scope, receive, send)
            return
        received, complete, began = 0, False, time.monotonic()

        async def receive_counted() -> Message:
            nonlocal received, complete
            if complete:  # what follows is that the sender leaves
                return await receive()
            last = began + self._limits.patience + received / _LEAST_SPEED
            try:
                message = await asyncio.wait_for(receive(), max(0.0, last - time.monotonic()))
            except TimeoutError:
                raise HTTPException(408, "the upload came too slowly: send it again") from None
            received += len(message.get("body", b""))
            complete = not message.get("more_body", False)
            if received > most:
                await _drain(receive, most, message)
                raise HTTPException(413, _too_large(most))
            return message

        self._uploads += 1
        try:
            await self._app(scope, receive_counted, send)
        finally:
            self._uploads -= 1


async def _drain(receive: Receive, most: int, message: Message) -> None:
    """Pass over the rest of an upload, so that who sends it comes to read the answer."""
    passed = 0
    while message.get("more_body") and passed < most:
        message = await receive()
        passed += len(message.get("body", b""))


def _too_large(most: int) -> str:
    return f"the upload is larger than {most / 1e6:g} MB, the limit of --max-upload"


def refusal(status: int, said: str) -> JSONResponse:
    """Return what a request gets in the place of a picture."""
    return JSONResponse({"error": said}, status)
