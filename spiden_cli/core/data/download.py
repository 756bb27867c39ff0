"""Fetch pinned files over HTTPS: whole and as they were pinned, or not at all.

A file has the pinned SHA-256; one that is a scaled copy is scaled here, and shows what was pinned.

pooch writes each file into a temporary folder and checks its hash; then it is renamed to where it
belongs. So a run that was cut, by Ctrl-C too, goes on with the files that are still missing, and
takes away what was begun. The downloader that it calls is
ours: pooch's own sets no bound on the size of a file, waits for as long as bytes drip in, and can't
be told to stop when another file has failed.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urljoin, urlsplit

from spiden_cli.core.data.scaled import scale_picture
from spiden_cli.core.data.sources import PinnedFile, Source
from spiden_cli.core.temporary import temporary_folder
from spiden_cli.errors import DatasetError, OutputError

if TYPE_CHECKING:
    from requests import Response

DEFAULT_BASE_URL = "https://raw.githubusercontent.com"
BASE_URL_VARIABLE = "SPIDEN_DATA_URL"

MAX_CONNECTIONS = 4
MAX_FILE_BYTES = 4 * 1024 * 1024
"""Read at most this much of one file. The largest pinned image has 389 031 bytes."""
SOCKET_TIMEOUT_S = 15.0
"""Longest wait for the next bytes. Also the longest that Ctrl-C waits for a silent server."""
FILE_TIMEOUT_S = 120.0
"""Longest time for one file: a server that drips bytes never meets the socket timeout."""
MAX_ORIGINAL_BYTES, ORIGINAL_TIMEOUT_S = 64 * 1024 * 1024, 1200.0
"""The same for what will be scaled down: photographs of up to 36 megapixels."""

MAX_REDIRECTIONS = 8

_CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True)
class DownloadProgress:
    """How far the download of a data set is.

    Attributes:
        name: the data set.
        files_done: files that are there and verified, those of an earlier run included.
        files_total: files of the data set.
        bytes_done: bytes fetched and kept in this run.
    """

    name: str
    files_done: int
    files_total: int
    bytes_done: int


def download_files(
    source: Source,
    files: Sequence[PinnedFile],
    folder: Path,
    *,
    base_url: str | None = None,
    on_progress: Callable[[DownloadProgress], None] | None = None,
) -> None:
    """Fetch `files` of the data set `source` into `folder`, which is made if it's missing.

    A file is at `BASE/OWNER/NAME/COMMIT/PATH`. `BASE` is `base_url`, or $SPIDEN_DATA_URL, or
    GitHub. `on_progress` is called in the calling thread: at the start and after each file.

    Raises:
        DatasetError: no connection, a refused request, a cut, an oversized or an altered file.
            The files that came whole before it are kept.
        OutputError: the folder can't be written.
    """
    import pooch  # late, as requests is: most runs download nothing

    pooch.get_logger().setLevel("WARNING")  # by default it logs each file to stderr
    base = f"{_base_url(base_url)}/"

    def fetch(place: Path, file: PinnedFile) -> Path:
        fetcher = pooch.create(
            path=place,
            base_url=base,
            registry={file.name: _hash_of_download(file)},
            urls={file.name: base + quote(file.url_path)},
        )
        came = Path(fetcher.fetch(file.name, downloader=partial(_download, stop, file)))
        return came.replace(folder / file.name)

    total = len(source.files)
    done, bytes_done = total - len(files), 0
    report = on_progress or _ignore
    stop = threading.Event()
    report(DownloadProgress(source.name, done, total, bytes_done))
    with (
        _place_below(folder, files) as place,
        ThreadPoolExecutor(MAX_CONNECTIONS, thread_name_prefix="spiden-download") as pool,
    ):
        try:
            running = {pool.submit(fetch, place, file): file for file in files}
            for future in as_completed(running):
                path = _result(future, source, running[future], folder)
                done += 1
                bytes_done += path.stat().st_size
                report(DownloadProgress(source.name, done, total, bytes_done))
        except BaseException:  # Ctrl-C too: the workers must end before the pool can close
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


@contextmanager
def _place_below(folder: Path, files: Sequence[PinnedFile]) -> Iterator[Path]:
    """Make the folders of a data set, and below them a temporary one."""
    with ExitStack() as stack:
        try:
            for part in {(folder / file.name).parent for file in files}:
                part.mkdir(parents=True, exist_ok=True)
            place = stack.enter_context(temporary_folder(folder))
        except OSError as error:
            raise OutputError(f"can't make the folder {folder}: {error.strerror}") from error
        yield place


def where_to_put(name: str, folder: Path) -> str:
    """Say how to give spiden a data set by hand: the end of a one-line message."""
    return f"put its images in {folder}, or in {name}/ under --data-dir or SPIDEN_DATA"


def _hash_of_download(file: PinnedFile) -> str | None:
    """Return what pooch checks; a scaled copy is checked by what it shows, when it is made."""
    return f"sha256:{file.sha256}" if file.thumbnail is None else None


def _ignore(_progress: DownloadProgress) -> None:
    pass


def _base_url(given: str | None) -> str:
    url = given or os.environ.get(BASE_URL_VARIABLE) or DEFAULT_BASE_URL
    try:
        parts = urlsplit(url)
        usable = _is_safe(url) and parts.port != 0
    except ValueError:  # a broken port or IPv6 address
        usable = False
    if not usable:
        raise DatasetError(
            f"can't download from {url!r}: {BASE_URL_VARIABLE} must be an https address, or an "
            "http one of this machine"
        )
    return url.rstrip("/")


def _is_safe(url: str) -> bool:
    """Return whether nobody on the way can have changed what comes from an address."""
    parts = urlsplit(url)
    here = parts.hostname in ("localhost", "127.0.0.1", "::1")
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and here))


def _download(
    stop: threading.Event, pinned: PinnedFile, url: str, output_file: str, _pooch: object
) -> None:
    """Write a pinned file, as pooch asks of a downloader. Runs in a worker thread."""
    if pinned.thumbnail is None:
        _save(stop, url, output_file, MAX_FILE_BYTES, FILE_TIMEOUT_S)
    else:
        _save(stop, url, output_file, MAX_ORIGINAL_BYTES, ORIGINAL_TIMEOUT_S)
        scale_picture(Path(output_file), pinned.thumbnail)


def _save(
    stop: threading.Event, url: str, output_file: str, most_bytes: int, most_seconds: float
) -> None:
    """Write the body at `url` to a file."""
    import requests

    deadline = time.monotonic() + most_seconds
    if stop.is_set():
        raise CancelledError
    with _answer(url) as response, Path(output_file).open("wb") as file:
        response.raise_for_status()
        # read1 returns what has come, so that a slow server can't hold us past the deadline
        while chunk := response.raw.read1(_CHUNK_BYTES):
            file.write(chunk)
            if stop.is_set():
                raise CancelledError
            if file.tell() > most_bytes:
                raise requests.RequestException(f"the file is larger than {most_bytes} bytes")
            if time.monotonic() > deadline:
                raise requests.Timeout(f"the file took longer than {most_seconds:g} s")


@contextmanager
def _answer(url: str) -> Iterator["Response"]:
    """Ask for a file, wherever the server leads; what else a server that leads on says isn't read.

    Raises:
        RequestException: no connection, too many redirections, or one that isn't safe.
    """
    import requests

    class Session(requests.Session):
        def get_redirect_target(self, _resp: "Response") -> None:
            """Lead nowhere: requests would first read all that was sent, however much it is."""

    headers = {"User-Agent": "spiden", "Accept-Encoding": "identity"}
    with Session() as session:
        for _ in range(MAX_REDIRECTIONS):
            with session.get(
                url, headers=headers, stream=True, timeout=SOCKET_TIMEOUT_S
            ) as response:
                if not response.is_redirect:
                    yield response
                    return
                url = urljoin(url, response.headers["location"])
            if not _is_safe(url):
                raise requests.RequestException(f"the server led to {url}, which isn't https")
    raise requests.TooManyRedirects("the server leads from one address to the next")


def _result(future: Future[Path], source: Source, file: PinnedFile, folder: Path) -> Path:
    """Return where pooch put a file, or raise what went wrong as one line."""
    from requests import RequestException
    from urllib3.exceptions import HTTPError

    try:
        return future.result()
    except (RequestException, HTTPError, ValueError) as error:  # ValueError: another file
        raise DatasetError(
            f"can't download {source.name}/{file.name}: {_one_line(error)}; run again to go on "
            f"from here, or {where_to_put(source.name, folder)}, or name a mirror with "
            f"{BASE_URL_VARIABLE}"
        ) from error
    except OSError as error:
        raise OutputError(f"can't write {folder / file.name}: {error.strerror}") from error


def _one_line(error: BaseException) -> str:
    """Return an error's reason as one printable line: a server may have written part of it."""
    from requests import HTTPError

    if isinstance(error, HTTPError) and error.response is not None:
        return f"the server answered HTTP {error.response.status_code} for {error.response.url}"
    # requests wraps urllib3, which wraps what happened: "Max retries exceeded (Caused by ...)"
    while isinstance(inner := getattr(error, "reason", None) or (0, *error.args)[-1], Exception):
        error = inner
    text = str(error).rstrip(".") or type(error).__name__
    return "".join(c if c.isprintable() else " " for c in text)[:400]
