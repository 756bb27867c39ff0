"""A small pinned data set of real PNG files and a local server that serves it, well or badly."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from spiden_cli.core.data.download import download_files
from spiden_cli.core.data.sources import PinnedFile, Source
from spiden_cli.errors import DatasetError

Answer = bytes | Callable[[BaseHTTPRequestHandler], None]


class Server:
    """Serves `answers` (URL path -> body, or a function that answers) and notes the requests."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.requests: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.requests.append(self.path)
                answer = outer.answers.get(self.path)
                try:
                    if answer is None:
                        self.send_error(404)
                    elif callable(answer):
                        answer(self)
                    else:
                        outer.send(self, answer)
                except ConnectionError:
                    pass  # the client has left, as some tests want

            def log_message(self, *_args: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = False  # so that closing waits for the handlers
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def hold(self, source: Source, contents: dict[str, bytes]) -> None:
        """Serve the files of `source`."""
        for file in source.files:
            self.answers[self.path_of(file)] = contents[file.name]

    @staticmethod
    def path_of(file: PinnedFile) -> str:
        return f"/{file.url_path}"

    @staticmethod
    def send(handler: BaseHTTPRequestHandler, body: bytes, length: int | None = None) -> None:
        """Answer with `body`, announced as `length` bytes."""
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body) if length is None else length))
        handler.end_headers()
        handler.wfile.write(body)

    def close(self) -> None:
        """Stop serving, wait for all handlers."""
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SPIDEN_DATA", "SPIDEN_DATA_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def contents() -> dict[str, bytes]:
    """Six noisy 24x17 grey PNG files, by name."""
    generator = np.random.default_rng(0)
    files = {}
    for number in range(1, 7):
        stream = BytesIO()
        pixels = generator.integers(0, 256, (17, 24), dtype=np.uint8)
        Image.fromarray(pixels).save(stream, "png")
        files[f"{number:02d}.png"] = stream.getvalue()
    return files


@pytest.fixture
def tiny(contents: dict[str, bytes]) -> Source:
    """The pins of `contents`."""
    files = tuple(
        PinnedFile(
            name,
            f"someone/pictures/{'0' * 40}/sets/tiny/{name}",
            hashlib.sha256(content).hexdigest(),
        )
        for name, content in contents.items()
    )
    return Source("tiny", files)


@pytest.fixture
def server(tiny: Source, contents: dict[str, bytes]) -> Iterator[Server]:
    """A server that holds the tiny set."""
    server = Server()
    server.hold(tiny, contents)
    yield server
    server.close()


@pytest.fixture
def kept() -> Callable[[Path], dict[str, bytes]]:
    """Read every file of a folder, hidden temporary ones included."""
    return lambda folder: {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def fails() -> Callable[[Source, Path, str], str]:
    """Download all of a source, expect a refusal, return its one line."""

    def fails(source: Source, folder: Path, url: str) -> str:
        with pytest.raises(DatasetError) as refused:
            download_files(source, source.files, folder, base_url=url)
        message = str(refused.value)
        assert message.isprintable()
        return message

    return fails
