"""What `benchmarks/kills.py` kills of what needs a network: downloads, and servers."""

import hashlib
import http.client
import os
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pooch  # noqa: F401 - which takes longer to import than the downloads that are killed
import requests  # noqa: F401
from kill_cases import FORK, Folders, quietly
from PIL import Image
from urllib3.filepost import encode_multipart_formdata

from spiden_cli.app import main as spiden
from spiden_cli.core.data.download import download_files
from spiden_cli.core.data.sources import PinnedFile, Source


class Quiet(SimpleHTTPRequestHandler):
    """Sends files, slowly enough to be killed at, and says nothing."""

    parts, pause = 4, 0.02

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def copyfile(self, source: BinaryIO, outputfile: BinaryIO) -> None:
        """Send a file in parts, and count them."""
        content, sent = source.read(), self.server.sent
        step = -(-len(content) // self.parts)
        with suppress(OSError):  # who asked was killed
            for at in range(0, len(content), step):
                outputfile.write(content[at : at + step])
                sent.release()
                time.sleep(self.pause)


class Downloads(Folders):
    """Downloads of a data set from a server on this machine, killed once a part of it is sent."""

    count, shape, suffix = 8, (96, 96), ".png"

    def __init__(self, place: Path) -> None:
        handler = partial(Quiet, directory=str(place / "noisy"))
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.sent = threading.Semaphore(0)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        super().__init__(place)

    def killed(self, share: float) -> bool:
        """Kill one when a share of all is sent, and a moment later; return if that was in time."""
        self.server.sent = sent = threading.Semaphore(0)  # that of the run before may go on
        parts = 1 + share * (self.count * Quiet.parts - 1)
        child = FORK.Process(target=quietly, args=(self.work,))
        child.start()
        for _ in range(int(parts)):
            sent.acquire(timeout=60)
        time.sleep(parts % 1 * Quiet.pause)
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        return child.exitcode == -signal.SIGKILL

    def work(self) -> None:
        """Download what is missing."""
        contents = {path.name: path.read_bytes() for path in self.noisy.rglob("*.png")}
        files = tuple(
            PinnedFile(name, name, hashlib.sha256(content).hexdigest())
            for name, content in sorted(contents.items())
        )
        source = Source("pictures", files)
        missing = [file for file in files if not (self.out / file.name).exists()]
        download_files(source, missing, self.out, base_url=self.address)


class Uploads(Folders):
    """Servers that are killed while a picture is sent to them, denoised or sent back."""

    count, shape, suffix = 1, (400, 400), ".png"
    parts, pause = 8, 0.1

    def __init__(self, place: Path) -> None:
        self.out = place / "out"
        self.out.mkdir()
        picture = place / "sent.png"
        pixels = np.random.default_rng(0).integers(0, 255, self.shape, np.uint8)
        Image.fromarray(pixels).save(picture)
        fields = {"picture": ("sent.png", picture.read_bytes(), "image/png")}
        self.body, self.type = encode_multipart_formdata(fields)
        self.length = 0.0
        with self.served() as (port, _):
            self.send(port)  # compiles, if need be
            began = time.monotonic()
            self.whole_answer = self.send(port)
            self.length = time.monotonic() - began
        if self.whole_answer is None:
            sys.exit("the server doesn't answer")

    @contextmanager
    def served(self) -> Iterator[tuple[int, int]]:
        """Run a server; yield its port and its process."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        child = FORK.Process(target=quietly, args=(partial(self.serve, port),))
        child.start()
        try:
            for _ in range(600):
                with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                time.sleep(0.05)
            yield port, child.pid
        finally:
            with suppress(ProcessLookupError):
                os.kill(child.pid, signal.SIGKILL)
            child.join()

    def serve(self, port: int) -> None:
        """Serve until killed."""
        sys.argv = ["spiden", "serve", "--port", str(port), "-m", "tiny", "--threads", "1"]
        spiden()

    def send(self, port: int) -> bytes | None:
        """Send the picture in parts; return the denoised one, None if no whole answer comes."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        with suppress(OSError, http.client.HTTPException):
            connection.putrequest("POST", "/denoise")
            connection.putheader("Content-Type", self.type)
            connection.putheader("Content-Length", str(len(self.body)))
            connection.endheaders()
            step = -(-len(self.body) // self.parts)
            for at in range(0, len(self.body), step):
                connection.send(self.body[at : at + step])
                time.sleep(self.pause)
            answer = connection.getresponse()
            content = answer.read()
            return content if answer.status == http.client.OK else None
        return None

    def kill(self, share: float, number: int = 0) -> tuple[int, int, int, int]:
        """Kill a server at a share of an upload's length, then send it whole to another."""
        got: list[bytes | None] = []
        with self.served() as (port, pid):
            client = threading.Thread(target=lambda: got.append(self.send(port)))
            client.start()
            client.join(share * self.length)
            early = client.is_alive()
            os.kill(pid, signal.SIGKILL)
            client.join()
        half = got[0] not in (None, self.whole_answer)
        with self.served() as (port, _):
            lost = self.send(port) != self.whole_answer
            left = list(Path(tempfile.gettempdir()).iterdir())
        return early, lost, half, len(left)
