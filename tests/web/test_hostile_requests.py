"""Requests that lie, drip, or come in crowds are refused in words, and the next is answered."""

import asyncio
import io
import socket
import time
import zlib

import numpy as np
import pytest
import requests
import tifffile
from PIL import Image
from starlette.requests import Request

from spiden_cli.web import server
from spiden_cli.web.guard import Guard, Limits

TIMEOUT = 60
NOISE = np.random.default_rng(0).integers(0, 255, (3, 40, 48), np.uint8)


def picture() -> bytes:
    stream = io.BytesIO()
    Image.fromarray(NOISE[0]).save(stream, "PNG")
    return stream.getvalue()


def send(address, content, name="noisy.png", **fields):
    files = {"picture": (name, content)}
    return requests.post(f"{address}/denoise", files=files, data=fields, timeout=TIMEOUT)


def tiff(values: np.ndarray, **options: object) -> bytes:
    stream = io.BytesIO()
    tifffile.imwrite(stream, values, **options)
    return stream.getvalue()


def npy(values: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, values, allow_pickle=True)
    return stream.getvalue()


def bomb() -> bytes:
    """A PNG of 16 kB that unpacks to 16 megapixels."""
    content = bytearray(picture())
    head = content[16:24]
    content[16:24] = (4000).to_bytes(4, "big") * 2
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    assert head != content[16:24]
    return bytes(content)


def test_what_is_no_single_picture_is_refused_in_words(address, tmp_path):
    tifffile.imwrite(tmp_path / "secret.tif", NOISE[1])
    elsewhere = (
        '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" '
        'UUID="urn:uuid:1"><Image ID="Image:0"><Pixels ID="P:0" DimensionOrder="XYZCT" '
        'Type="uint8" SizeX="48" SizeY="40" SizeZ="1" SizeC="1" SizeT="1"><TiffData IFD="0">'
        f'<UUID FileName="{tmp_path}/secret.tif">urn:uuid:2</UUID></TiffData>'
        "</Pixels></Image></OME>"
    )
    cases = [
        (tiff(NOISE, imagej=True, metadata={"axes": "ZYX"}), "a.tif", "a stack of 3 pictures"),
        (tiff(NOISE, ome=True, metadata={"axes": "ZYX"}), "a.ome.tif", "a stack of 3 pictures"),
        (tiff(NOISE[0], description=elsewhere, metadata=None), "b.ome.tif", "another folder"),
        (npy(NOISE), "a.npy", "3 x 40 x 48 values"),
        (npy(np.array([{}], object)), "a.npy", "damaged"),
        (bomb(), "bomb.png", "above the limit of 0.09 megapixels"),
        (b'{"zarr_format": 3}', "zarr.json", "not a picture"),
    ]
    for content, name, said in cases:
        answer = send(address, content, name)
        assert (answer.status_code, said in answer.json()["error"]) == (400, True), answer.text
        assert "/tmp" not in answer.text.replace(str(tmp_path), "")
    assert send(address, picture()).ok


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd.png", "..\\\\x.png", "/dev/stdout", "a\0b.png", "-", ".", "..", "a/.png",
     "x" * 4000 + ".png", "con.png", "%2e%2e%2fx.png", "{0}.png", "\u202egnp.exe", "a\nb.png"],
)  # fmt: skip
def test_a_name_is_no_path(address, name):
    answer = send(address, picture(), name)
    assert answer.status_code in (200, 400, 422)
    if answer.ok:
        told = answer.headers["content-disposition"]
        assert not {"/", "\\", "\n", "\0"} & {*told.split("filename*=UTF-8''")[1]}


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"sigma": "inf"}, 422),
        ({"sigma": "1e400"}, 422),
        ({"detail": "nan"}, 422),
        ({"timesteps": "1e3"}, 422),
        ({"timesteps": "9" * 5000}, 422),
        ({"strip": "perhaps"}, 422),
        ({"format": "zarr"}, 400),
        ({"format": "../x"}, 400),
        ({"format": "x" * 10_000}, 422),
        ({"unknown": "1"}, 200),
        ({"picture": "again"}, None),
    ],
)
def test_odd_values_of_fields(address, fields, status):
    answer = send(address, picture(), **fields)
    assert answer.status_code in ((status,) if status else (200, 422)), answer.text
    assert answer.ok or "\n" not in answer.json()["error"]


def test_tickets_are_plain_words(address):
    for ticket in ("short", "a/../../b", "x" * 65, "a b c d e f"):
        query = {"ticket": ticket}
        answer = requests.post(
            f"{address}/denoise", params=query, files={"picture": picture()}, timeout=TIMEOUT
        )
        assert answer.status_code == 422
    assert requests.get(f"{address}/progress/unknown-one", timeout=TIMEOUT).json()["ahead"] is None


def test_an_upload_that_drips_gives_up_its_place():
    sent = []

    async def app(scope, receive, send):
        await Request(scope, receive).body()

    async def drip():
        await asyncio.sleep(0.05)
        return {"type": "http.request", "body": b".", "more_body": True}

    async def keep(message):
        sent.append(message)

    headers = [(b"host", b"localhost")]
    scope = {"type": "http", "method": "POST", "headers": headers, "path": "/", "scheme": "http"}
    guard = Guard(app, Limits(10**6, waiting=1, patience=0.2))

    async def ask():
        began = time.monotonic()
        with pytest.raises(Exception, match="too slowly"):
            await guard(scope, drip, keep)
        assert time.monotonic() - began < 5
        assert guard._uploads == 0

    asyncio.run(ask())


def test_connections_without_a_request_are_closed_and_others_answered(address, monkeypatch):
    """Forty that say nothing, or begin a head and never end it."""
    monkeypatch.setattr(server, "_SILENCE", 0.3)
    place = address.removeprefix("http://").split(":")
    crowd = [socket.create_connection((place[0], int(place[1]))) for _ in range(40)]
    try:
        for one in crowd[::2]:
            one.sendall(b"POST /denoise HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        assert send(address, picture()).ok
        for one in crowd:
            one.settimeout(10)
            assert one.recv(1000) == b""
    finally:
        for one in crowd:
            one.close()
