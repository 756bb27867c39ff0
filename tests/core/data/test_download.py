import os
import signal
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from spiden_cli.core.data.download import DownloadProgress, download_files
from spiden_cli.core.data.sources import Source
from spiden_cli.errors import OutputError

Contents = dict[str, bytes]


def wait_for_files(folder: Path, count: int) -> None:
    """Wait until `folder` holds `count` files, 10 s at most."""
    deadline = time.monotonic() + 10
    while len(list(folder.glob("[0-9]*.png"))) < count and time.monotonic() < deadline:
        time.sleep(0.01)


def test_all_files_arrive_and_progress_counts_them(
    tiny: Source, contents: Contents, server, tmp_path: Path, kept
) -> None:
    seen: list[DownloadProgress] = []
    threads: set[int] = set()

    def note(progress: DownloadProgress) -> None:
        seen.append(progress)
        threads.add(threading.get_ident())

    folder = tmp_path / "new" / "tiny"
    download_files(tiny, tiny.files, folder, base_url=server.url, on_progress=note)

    assert kept(folder) == contents
    assert [progress.files_done for progress in seen] == list(range(7))
    assert {(progress.name, progress.files_total) for progress in seen} == {("tiny", 6)}
    assert seen[0].bytes_done == 0
    assert seen[-1].bytes_done == sum(map(len, contents.values()))
    assert threads == {threading.get_ident()}


def test_at_most_four_connections_at_once(
    tiny: Source, contents: Contents, server, tmp_path: Path, kept
) -> None:
    lock = threading.Lock()
    now, most = 0, 0

    def slowly(handler: BaseHTTPRequestHandler) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.1)
        with lock:
            now -= 1
        server.send(handler, contents[Path(handler.path).name])

    server.answers = dict.fromkeys(server.answers, slowly)
    download_files(tiny, tiny.files, tmp_path, base_url=server.url)

    assert 2 <= most <= 4
    assert kept(tmp_path) == contents


def test_address_from_the_environment_and_argument_first(
    tiny: Source, contents: Contents, server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept
) -> None:
    monkeypatch.setenv("SPIDEN_DATA_URL", server.url + "/")
    download_files(tiny, tiny.files, tmp_path / "a")
    assert kept(tmp_path / "a") == contents

    monkeypatch.setenv("SPIDEN_DATA_URL", "http://127.0.0.1:1")
    download_files(tiny, tiny.files, tmp_path / "b", base_url=server.url)
    assert kept(tmp_path / "b") == contents


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc",
        "http://example.org",
        "http://localhost.example.org",
        "ftp://host/x",
        "host/path",
        "http://",
        "http://[::1",
        "https://host:99999999",
    ],
)
def test_address_that_is_not_a_web_address_is_refused(
    url: str, tiny: Source, tmp_path: Path, fails
) -> None:
    folder = tmp_path / "tiny"
    message = fails(tiny, folder, url)

    assert message == (
        f"can't download from {url!r}: SPIDEN_DATA_URL must be an https address, or an "
        "http one of this machine"
    )
    assert not folder.exists()


def test_no_network_says_where_to_put_the_images(tiny: Source, tmp_path: Path, fails) -> None:
    with socket.socket() as taken:  # bound but not listening: nobody answers at this port
        taken.bind(("127.0.0.1", 0))
        message = fails(tiny, tmp_path / "tiny", f"http://127.0.0.1:{taken.getsockname()[1]}")

    assert "refused" in message
    assert f"put its images in {tmp_path / 'tiny'}, or in tiny/ under --data-dir" in message
    assert "SPIDEN_DATA_URL" in message


def test_host_that_can_not_exist(tiny: Source, tmp_path: Path, fails) -> None:
    assert "can't download tiny/" in fails(tiny, tmp_path, f"https://{'a' * 70}.invalid")


def test_files_that_came_before_the_failure_are_kept(
    tiny: Source, contents: Contents, server, tmp_path: Path, kept, fails
) -> None:
    last = tiny.files[-1]

    def refuse_late(handler: BaseHTTPRequestHandler) -> None:
        wait_for_files(tmp_path, 5)
        handler.send_error(503)

    server.answers[server.path_of(last)] = refuse_late
    assert "HTTP 503" in fails(tiny, tmp_path, server.url)
    assert kept(tmp_path) == {n: c for n, c in contents.items() if n != last.name}


@pytest.mark.skipif(os.name == "nt", reason="pthread_kill is POSIX")
def test_ctrl_c_leaves_whole_files_only(
    tiny: Source, contents: Contents, server, tmp_path: Path, kept
) -> None:
    main = threading.main_thread().ident
    assert main == threading.get_ident()
    first, *others = tiny.files

    def interrupt(handler: BaseHTTPRequestHandler) -> None:
        wait_for_files(tmp_path, 5)
        body = contents[first.name]
        server.send(handler, body[:10], length=len(body))
        signal.pthread_kill(main, signal.SIGINT)
        time.sleep(0.2)
        handler.wfile.write(body[10:])

    server.answers[server.path_of(first)] = interrupt
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
    try:
        with pytest.raises(KeyboardInterrupt):
            download_files(tiny, tiny.files, tmp_path, base_url=server.url)
    finally:
        signal.signal(signal.SIGINT, before)

    assert kept(tmp_path) == {file.name: contents[file.name] for file in others}
    assert not [t for t in threading.enumerate() if t.name.startswith("spiden-download")]


def test_failing_progress_callback_ends_the_download(
    tiny: Source, contents: Contents, server, tmp_path: Path, kept
) -> None:
    def stop_at_two(progress: DownloadProgress) -> None:
        if progress.files_done == 2:
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        download_files(tiny, tiny.files, tmp_path, base_url=server.url, on_progress=stop_at_two)

    assert len(kept(tmp_path)) >= 2  # those that came meanwhile are whole, and kept
    assert kept(tmp_path).items() <= contents.items()


def test_folder_that_can_not_be_made(tiny: Source, server, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(OutputError, match="can't make the folder"):
        download_files(tiny, tiny.files, tmp_path / "file" / "tiny", base_url=server.url)
    assert server.requests == []


def test_file_that_can_not_be_written(tiny: Source, server, tmp_path: Path) -> None:
    (tmp_path / "01.png").mkdir()

    with pytest.raises(OutputError, match=r"can't write .*01\.png: Is a directory"):
        download_files(tiny, tiny.files, tmp_path, base_url=server.url)


def test_nothing_of_the_web_is_imported_before_a_download() -> None:
    code = """
import sys
import spiden_cli.app, spiden_cli.core.data.datasets
print({"pooch", "requests", "urllib3"} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
