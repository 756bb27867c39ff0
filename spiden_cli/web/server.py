"""Serving on a port of this machine, until Ctrl-C or SIGTERM."""

import asyncio
import errno
import ipaddress
import logging
import os
import signal
import socket
import sys
from types import FrameType

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from spiden_cli.core.temporary import remove_private_folders
from spiden_cli.errors import InputError
from spiden_cli.web.app import Service, make_app
from spiden_cli.web.turns import Turns

__all__ = ["Service", "address_of", "is_loopback", "leave", "listen", "serve", "server_for"]

_GRACE = 3  # seconds for requests to end in, once all is to end
_LAST_TILE = 1.0  # seconds for work to stop in
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


class Server(uvicorn.Server):
    """Tells those who wait for a picture that all ends, when it does.

    Args:
        config: of the server.
        turns: that they wait for.
    """

    def __init__(self, config: uvicorn.Config, turns: Turns) -> None:
        super().__init__(config)
        self._turns = turns

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end."""
        self._turns.end()
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # of what is cut off now
        super().handle_exit(sig, frame)


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


def server_for(service: Service, turns: Turns) -> Server:
    """Return what answers requests."""
    config = uvicorn.Config(
        make_app(service, turns), log_level="warning", access_log=False, server_header=False,
        timeout_graceful_shutdown=_GRACE, h11_max_incomplete_event_size=65_536, http=Impatient,
    )  # fmt: skip
    return Server(config, turns)


def serve(service: Service, listening: socket.socket) -> bool:
    """Answer requests until Ctrl-C or SIGTERM; the latter ends the process.

    Uploads are removed at the end, also that of a picture which is still being worked on.

    Returns:
        Whether one is.
    """
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)  # the sender is told
    turns, terminated = Turns(), list[int]()
    server = server_for(service, turns)

    def terminate(number: int, frame: FrameType | None) -> None:
        terminated.append(number)
        server.handle_exit(number, frame)  # which uvicorn asks for itself once it runs

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        server.run([listening])
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, before)
        remove_private_folders()
    if terminated:
        signal.raise_signal(signal.SIGTERM)
        leave(128 + signal.SIGTERM)  # process 1 of a container, which no signal ends
    return turns.is_busy(_LAST_TILE)


def leave(code: int = 0) -> None:
    """End the process with an exit code, whatever its threads are at."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
