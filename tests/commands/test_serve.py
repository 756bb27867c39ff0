"""`spiden serve`, as a user starts it."""

import socket

import pytest


def test_says_where_the_page_is_and_ends_with_ctrl_c(spiden, monkeypatch):
    import uvicorn

    heard = []

    def run(server, sockets):
        heard.append(sockets[0].getsockname())
        raise KeyboardInterrupt

    monkeypatch.setattr(uvicorn.Server, "run", run)
    outcome = spiden("serve", "-m", "tiny")
    assert outcome.code == 0
    assert heard[0][0] == "127.0.0.1"
    assert outcome.stdout == f"http://127.0.0.1:{heard[0][1]}/\n"
    assert "warning" not in outcome.stderr
    outcome = spiden("serve", "-m", "tiny", "--host", "0.0.0.0")
    assert outcome.stdout == f"http://127.0.0.1:{heard[1][1]}/\n"
    assert "whoever reaches 0.0.0.0" in outcome.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--port", "TAKEN"], "is in use: choose another --port"),
        (["--host", "203.0.113.9"], "choose another --host"),
        (["--host", ""], "choose another --host"),
        (["--max-upload", "many"], "must look like 4G or 500M"),
    ],
)
def test_what_cannot_be_is_one_line(spiden, options, said):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        outcome = spiden("serve", "-m", "tiny", *(port if o == "TAKEN" else o for o in options))
    assert outcome.code == 2
    assert said in outcome.stderr
    assert len(outcome.stderr.strip().splitlines()) == 1
