"""Serving on a port of this machine, until Ctrl-C or SIGTERM."""

import asyncio
import errno
import ipaddress
import socket

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from spiden_cli.errors import InputError
from spiden_cli.web.app import Service, make_app

__all__ = ["Service", "address_of", "config_for", "is_loopback", "listen", "serve"]

_GRACE = 3  # seconds for requests to end in, once all is to end
_SILENCE = 10.0  # seconds between looks at whether a connection has a request


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches a host."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def listen(host: str, port: int) -> socket.socket:
    """Take a port.

    Args:
        host: name or address of this machine; 0.0.0.0 or :: for all of its addresses.
        port: 0: any that is free.

    Raises:
        InputError: there is no such host here, or the port is taken.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, _, _, _, address = found[0]
        return socket.create_server(address[:2], family=family, backlog=128)
    except (OSError, OverflowError, UnicodeError) as error:
        number = getattr(error, "errno", None)
        if number == errno.EADDRINUSE:
            raise InputError(f"port {port} is in use: choose another --port, or none") from error
        if number == errno.EACCES:
            raise InputError(f"port {port} isn't yours to use: choose one above 1023") from error
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"can't listen on {host}: {reason}; choose another --host") from error


def address_of(listening: socket.socket) -> str:
    """Return the address of the page, as a browser on this machine takes it."""
    host, port = listening.getsockname()[:2]
    local = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://{f'[{local}]' if ':' in local else local}:{port}/"


class Impatient(H11Protocol):
    """Closes a connection on which no whole request has come from one look to the next.

    uvicorn itself waits without an end for the first request, and for one whose head drips in.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to look."""
        super().connection_made(transport)
        self._seen: object = self  # no request that ever was
        self._look = self.loop.call_later(_SILENCE, self._end_if_silent)

    def connection_lost(self, exc: Exception | None) -> None:
        """Look no more."""
        self._look.cancel()
        super().connection_lost(exc)

    def _end_if_silent(self) -> None:
        last = self.cycle
        if last is None or last.response_complete:
            if self._seen is last:
                self.transport.close()
                return
            self._seen = last
        self._look = self.loop.call_later(_SILENCE, self._end_if_silent)


def config_for(service: Service) -> uvicorn.Config:
    """Return how to serve."""
    return uvicorn.Config(
        make_app(service), log_level="warning", access_log=False, server_header=False,
        timeout_graceful_shutdown=_GRACE, h11_max_incomplete_event_size=65_536, http=Impatient,
    )  # fmt: skip


def serve(service: Service, listening: socket.socket) -> None:
    """Answer requests until Ctrl-C or SIGTERM."""
    uvicorn.Server(config_for(service)).run([listening])
