"""Which requests are answered: those for this machine, and not from pages of others."""

import asyncio

import pytest
import requests
from starlette.responses import PlainTextResponse

from spiden_cli.web.guard import Guard, Limits

TIMEOUT = 60


@pytest.mark.parametrize(
    ("host", "loopback", "known"),
    [
        ("127.0.0.1:80", True, True),
        ("localhost", True, True),
        ("LOCALHOST.:8000", True, True),
        ("[::1]:8000", True, True),
        ("[::1", True, False),
        ("", True, False),
        ("evil.example", True, False),
        ("evil.example", False, False),
        ("127.0.0.1.evil.example", True, False),
        ("192.168.1.5:8000", True, False),
        ("192.168.1.5:8000", False, True),
        ("darkroom:8000", False, True),
        ("user@evil.example", False, False),
    ],
)
def test_hosts(host, loopback, known):
    assert Limits(1, loopback=loopback, names=["darkroom"]).knows(host) is known


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 422),
        ({"Origin": "OWN"}, 422),
        ({"Host": "evil.example"}, 421),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 422),
    ],
)
def test_pages_of_others_are_not_answered(address, headers, status):
    sent = {name: address if value == "OWN" else value for name, value in headers.items()}
    answer = requests.post(f"{address}/denoise", headers=sent, timeout=TIMEOUT)
    assert answer.status_code == status
    assert answer.json()["error"]


def test_every_answer_says_that_nothing_comes_from_elsewhere(address):
    for path in ("/", "/page.js", "/page.css", "/about", "/nothing"):
        answer = requests.get(f"{address}{path}", timeout=TIMEOUT)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in answer.headers
    page = requests.get(address, timeout=TIMEOUT).text
    assert "http" not in page.replace("http-equiv", "")


def test_more_than_may_wait_are_told_to_come_again():
    sent = []

    async def receive():
        return {"type": "http.request", "body": b""}

    async def send(message):
        sent.append(message)

    headers = [(b"host", b"localhost")]
    scope = {"type": "http", "method": "POST", "headers": headers, "path": "/", "scheme": "http"}

    async def ask(waiting):
        sent.clear()
        guard = Guard(PlainTextResponse("done"), Limits(10, waiting=waiting))
        await guard(scope, receive, send)
        return sent[0]["status"], dict(sent[0]["headers"]).get(b"retry-after")

    assert asyncio.run(ask(1)) == (200, None)
    assert asyncio.run(ask(0)) == (503, b"10")
