"""Fetch pinned files over HTTPS: whole and with the pinned SHA-256, or not at all.

Worker threads read a file into memory and check it there. Only the calling thread writes, one
verified file at a time. So nothing unverified ever reaches the disk, whatever the server sends and
whenever Ctrl-C comes, and a run that was cut goes on with the files that are still missing.
"""

import hashlib
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit
from urllib.request import Request, urlopen

from spiden_cli.core.atomic import atomic_path
from spiden_cli.core.data.sources import PinnedFile, Source
from spiden_cli.errors import DatasetError, OutputError

DEFAULT_BASE_URL = "https://raw.githubusercontent.com"
BASE_URL_VARIABLE = "SPIDEN_DATA_URL"

MAX_CONNECTIONS = 4
MAX_FILE_BYTES = 4 * 1024 * 1024
"""Read at most this much of one file. The largest pinned image has 389 031 bytes."""
SOCKET_TIMEOUT_S = 15.0
"""Longest wait for the next bytes. Also the longest that Ctrl-C waits for a silent server."""
FILE_TIMEOUT_S = 120.0
"""Longest time for one file: a server that drips bytes never meets the socket timeout."""

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

    A file is at `BASE/REPOSITORY/COMMIT/PATH`. `BASE` is `base_url`, or $SPIDEN_DATA_URL, or
    GitHub. `on_progress` is called in the calling thread: at the start and after each file.

    Raises:
        DatasetError: no connection, a refused request, a cut, an oversized or an altered file.
            The files that came whole before it are kept.
        OutputError: the folder can't be written.
    """
    commit_url = f"{_base_url(base_url)}/{source.repository}/{source.commit}"
    total = len(source.files)
    done, bytes_done = total - len(files), 0
    report = on_progress or _ignore
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"can't make the folder {folder}: {error.strerror}") from error

    stop = threading.Event()
    report(DownloadProgress(source.name, done, total, bytes_done))
    with ThreadPoolExecutor(MAX_CONNECTIONS, thread_name_prefix="spiden-download") as pool:
        try:
            for future in as_completed(
                [pool.submit(_fetch, source, file, commit_url, folder, stop) for file in files]
            ):
                file, content = future.result()
                with atomic_path(folder / file.name) as temporary:
                    temporary.write_bytes(content)
                done += 1
                bytes_done += len(content)
                report(DownloadProgress(source.name, done, total, bytes_done))
        except BaseException:  # Ctrl-C too: the workers must end before the pool can close
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def where_to_put(name: str, folder: Path) -> str:
    """Say how to give spiden a data set by hand: the end of a one-line message."""
    return f"put its images in {folder}, or in {name}/ under --data-dir or SPIDEN_DATA"


def _ignore(_progress: DownloadProgress) -> None:
    pass


def _base_url(given: str | None) -> str:
    url = given or os.environ.get(BASE_URL_VARIABLE) or DEFAULT_BASE_URL
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"https", "http"} and parts.hostname and parts.port != 0
    except ValueError:  # a broken port or IPv6 address
        usable = False
    if not usable:
        raise DatasetError(
            f"can't download from {url!r}: {BASE_URL_VARIABLE} must be an https or http address"
        )
    return url.rstrip("/")


def _fetch(
    source: Source, file: PinnedFile, commit_url: str, folder: Path, stop: threading.Event
) -> tuple[PinnedFile, bytes]:
    """Read one file into memory and verify it. Runs in a worker thread."""
    label = f"{source.name}/{file.name}"
    url = f"{commit_url}/{quote(file.path)}"
    try:
        content = _read(url, stop)
    except HTTPError as error:
        error.close()
        reason = f"the server answered HTTP {error.code} for {url}"
        raise _no_download(source, label, reason, folder) from error
    except (OSError, HTTPException, ValueError) as error:  # ValueError: an impossible host name
        raise _no_download(source, label, f"{_one_line(error)} ({url})", folder) from error
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 != file.sha256:
        raise DatasetError(
            f"{url} served other bytes than {label} has: SHA-256 expected {file.sha256}, "
            f"got {sha256}; not kept: try again, or another server with {BASE_URL_VARIABLE}"
        )
    return file, content


def _read(url: str, stop: threading.Event) -> bytes:
    """Return the body at `url`, or raise OSError when it's cut, too slow or too large."""
    deadline = time.monotonic() + FILE_TIMEOUT_S
    content = bytearray()
    if stop.is_set():
        raise CancelledError
    request = Request(url, headers={"User-Agent": "spiden"})
    with urlopen(request, timeout=SOCKET_TIMEOUT_S) as response:
        if not isinstance(response, HTTPResponse):
            raise OSError("redirected to an address that is not https or http")
        length = response.length  # None when the server doesn't say
        while length is None or len(content) < length:
            # read1 returns what has come, so that a slow server can't hold us past the deadline
            chunk = response.read1(_CHUNK_BYTES)
            content += chunk
            if stop.is_set():
                raise CancelledError
            if max(len(content), length or 0) > MAX_FILE_BYTES:
                raise OSError(f"the file is larger than {MAX_FILE_BYTES} bytes")
            if time.monotonic() > deadline:
                raise TimeoutError(f"the file took longer than {FILE_TIMEOUT_S:g} s")
            if not chunk:
                break
    if length is not None and len(content) < length:
        raise OSError(f"the connection was cut after {len(content)} of {length} bytes")
    return bytes(content)


def _no_download(source: Source, label: str, reason: str, folder: Path) -> DatasetError:
    return DatasetError(
        f"can't download {label}: {reason}; run again to go on from here, or "
        f"{where_to_put(source.name, folder)}, or name a mirror with {BASE_URL_VARIABLE}"
    )


def _one_line(error: Exception) -> str:
    """Return an error's reason as one printable line: a server may have written part of it."""
    reason = error.reason if isinstance(error, URLError) else error
    text = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
    return "".join(c if c.isprintable() else " " for c in text)[:200]
