"""Servers that lie, stall or never end: each is refused and leaves nothing on the disk."""

import gzip
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from spiden_cli.core.data import download
from spiden_cli.core.data.sources import Source

Contents = dict[str, bytes]


@pytest.mark.parametrize("index", [0, 60, -1])
def test_one_wrong_byte_is_refused_and_not_kept(
    index: int, tiny: Source, contents: Contents, server, tmp_path: Path, kept, fails
) -> None:
    file = tiny.files[2]
    wrong = bytearray(contents[file.name])
    wrong[index] ^= 1
    server.answers[server.path_of(file)] = bytes(wrong)

    message = fails(tiny, tmp_path, server.url)

    assert message.startswith(f"can't download tiny/{file.name}: SHA256 hash of ")
    assert f"expected sha256:{file.sha256} but got " in message
    assert file.name not in kept(tmp_path)
    assert kept(tmp_path).items() <= contents.items()


def test_missing_file_on_the_server(tiny: Source, server, tmp_path: Path, kept, fails) -> None:
    path = server.path_of(tiny.files[0])
    del server.answers[path]

    message = fails(tiny, tmp_path, server.url)

    assert message.startswith(
        f"can't download tiny/01.png: the server answered HTTP 404 for {server.url}{path}; "
    )
    assert f"put its images in {tmp_path}, or in tiny/ under --data-dir or SPIDEN_DATA" in message
    assert "01.png" not in kept(tmp_path)


def stop_half_way(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body[: len(body) // 2])


def stop_half_way_unannounced(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(body[: len(body) // 2])


def stop_half_way_in_chunks(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    handler.protocol_version = "HTTP/1.1"
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.wfile.write(f"{len(body):x}\r\n".encode() + body[: len(body) // 2])
    handler.close_connection = True


def hang_up(handler: BaseHTTPRequestHandler, _body: bytes) -> None:
    handler.close_connection = True


def talk_nonsense(handler: BaseHTTPRequestHandler, _body: bytes) -> None:
    handler.wfile.write(b"\x1b[31mnot HTTP\r\n\r\n")


def compress(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    handler.send_response(200)
    handler.send_header("Content-Encoding", "gzip")
    handler.end_headers()
    handler.wfile.write(gzip.compress(body))


def lead_to(address: str) -> Callable[[BaseHTTPRequestHandler, bytes], None]:
    def lead(handler: BaseHTTPRequestHandler, _body: bytes) -> None:
        handler.send_response(302)
        handler.send_header("Location", address)
        handler.end_headers()

    return lead


def lead_in_a_circle(handler: BaseHTTPRequestHandler, _body: bytes) -> None:
    lead_to(handler.path)(handler, b"")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (stop_half_way, "IncompleteRead"),
        (stop_half_way_unannounced, "SHA256 hash of "),
        (stop_half_way_in_chunks, "IncompleteRead"),
        (hang_up, "Remote end closed connection without response"),
        (talk_nonsense, "[31mnot HTTP"),
        (compress, "SHA256 hash of "),  # not asked for: never unpacked, whatever its size
        (lead_to("file:///etc/passwd"), "led to file:///etc/passwd, which isn't https"),
        (lead_to("ftp://127.0.0.1/01.png"), "which isn't https"),
        (lead_to("http://mirror.invalid/01.png"), "which isn't https"),  # and isn't asked
        (lead_in_a_circle, "from one address to the next"),
    ],
)
def test_server_that_answers_badly_leaves_nothing(
    answer, reason: str, tiny: Source, contents: Contents, server, tmp_path: Path, kept, fails
) -> None:
    def bad(handler: BaseHTTPRequestHandler) -> None:
        answer(handler, contents[Path(handler.path).name])

    server.answers = dict.fromkeys(server.answers, bad)

    message = fails(tiny, tmp_path, server.url)

    assert reason in message
    assert message.isprintable()
    assert kept(tmp_path) == {}


def pour(handler: BaseHTTPRequestHandler, sent: list[int]) -> None:
    """Send a gigabyte, as far as it is taken, and note how much that was."""
    total = 0
    try:
        while total < 10**9:
            total += handler.wfile.write(bytes(10_000))
    finally:
        sent.append(total)


def test_a_redirection_is_followed_though_what_it_says_never_ends(
    tiny: Source, contents: Contents, server, tmp_path: Path, kept
) -> None:
    sent: list[int] = []

    def endless(handler: BaseHTTPRequestHandler) -> None:
        if handler.path.startswith("/there/"):
            server.send(handler, contents[Path(handler.path).name])
            return
        lead_to(f"/there{handler.path}")(handler, b"")
        pour(handler, sent)

    there = {f"/there{path}": endless for path in server.answers}
    server.answers = {**dict.fromkeys(server.answers, endless), **there}
    download.download_files(tiny, tiny.files, tmp_path, base_url=server.url)
    assert kept(tmp_path) == contents
    server.close()
    assert max(sent) < 50_000_000


@pytest.mark.parametrize("announced", [True, False])
def test_no_more_is_read_than_the_cap(
    announced: bool,
    tiny: Source,
    server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kept,
    fails,
) -> None:
    monkeypatch.setattr(download, "MAX_FILE_BYTES", 100_000)
    sent: list[int] = []

    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        if announced:
            handler.send_header("Content-Length", str(10**12))
        handler.end_headers()
        pour(handler, sent)

    server.answers = dict.fromkeys(server.answers, endless)

    assert "the file is larger than 100000 bytes" in fails(tiny, tmp_path, server.url)
    assert kept(tmp_path) == {}
    server.close()
    assert max(sent) < 50_000_000  # what the sockets buffer, not the gigabyte on offer


def test_silent_server_is_left(
    tiny: Source, server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept, fails
) -> None:
    monkeypatch.setattr(download, "SOCKET_TIMEOUT_S", 0.2)
    server.answers = dict.fromkeys(server.answers, lambda _handler: time.sleep(1.0))

    assert "timed out" in fails(tiny, tmp_path, server.url)
    assert kept(tmp_path) == {}


def test_dripping_server_is_left(
    tiny: Source, server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept, fails
) -> None:
    monkeypatch.setattr(download, "FILE_TIMEOUT_S", 0.3)

    def drip(handler: BaseHTTPRequestHandler) -> None:
        server.send(handler, b"", length=1000)
        for _ in range(100):
            handler.wfile.write(b"x")
            time.sleep(0.05)

    server.answers = dict.fromkeys(server.answers, drip)
    start = time.monotonic()

    assert "the file took longer than 0.3 s" in fails(tiny, tmp_path, server.url)
    assert time.monotonic() - start < 4.5  # the whole answer takes 5 s
    assert kept(tmp_path) == {}


def test_failure_does_not_wait_for_the_other_files(
    tiny: Source, server, tmp_path: Path, kept, fails
) -> None:
    first, *others = tiny.files
    dripping = threading.Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        server.send(handler, b"", length=10_000)
        dripping.set()
        for _ in range(200):
            handler.wfile.write(b"x")
            time.sleep(0.05)

    def refuse(handler: BaseHTTPRequestHandler) -> None:
        dripping.wait(10)
        handler.send_error(403)

    server.answers = {server.path_of(file): drip for file in others}
    server.answers[server.path_of(first)] = refuse
    start = time.monotonic()

    assert "HTTP 403" in fails(tiny, tmp_path, server.url)
    assert time.monotonic() - start < 8.0  # a dripping file lasts 10 s
    assert kept(tmp_path) == {}
