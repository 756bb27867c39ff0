"""`POST /denoise`, as a program uses it."""

import io
import json
import tempfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import requests
from PIL import Image

from spiden_cli.core.files.picture_files import read_picture
from spiden_cli.core.tasks.adjustment import Adjustment
from spiden_cli.core.tasks.files import denoise_file
from spiden_cli.core.tasks.model import load
from spiden_cli.core.tasks.settings import Files, Settings

TIMEOUT = 60


def encoded(pixels, format="PNG", **options):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format, **options)
    return stream.getvalue()


def send(address, content, name="noisy.png", headers=None, **fields):
    return requests.post(
        f"{address}/denoise", files={"picture": (name, content)}, data=fields, headers=headers,
        timeout=TIMEOUT,
    )  # fmt: skip


def parts_of(response):
    """Return the parts of a multipart answer: name, file name and content of each."""
    boundary = response.headers["content-type"].split("boundary=")[1].encode()
    found = []
    for part in response.content.split(b"--" + boundary)[1:-1]:
        head, content = part.split(b"\r\n\r\n", 1)
        disposition = head.decode().split("Content-Disposition: ")[1].split("\r\n")[0]
        name, file = (piece.split('="')[1].rstrip('"') for piece in disposition.split("; ")[1:])
        found.append((name, file, content.removesuffix(b"\r\n")))
    return found


@pytest.fixture
def noisy(colour_pixels):
    noise = np.random.default_rng(7).normal(0, 25, colour_pixels.shape)
    return np.rint(np.clip(colour_pixels + noise, 0, 255)).astype(np.uint8)


def test_the_result_is_that_of_the_command(address, noisy, tmp_path):
    source, target = tmp_path / "noisy.tif", tmp_path / "clean.tif"
    source.write_bytes(encoded(noisy, "TIFF"))
    settings = Settings(adjustment=Adjustment(0.7, 1.2, 0.1), timesteps=2)
    denoise_file(load("tiny", engine="dense", threads=1), settings, Files(source, target))
    hand = {"strength": 0.7, "chroma_strength": 1.2, "detail": 0.1, "timesteps": 2}
    answer = send(address, source.read_bytes(), "noisy.tif", **hand)
    assert answer.status_code == 200
    assert answer.content == target.read_bytes()
    assert answer.headers["content-type"] == "image/tiff"
    assert "noisy_denoised.tif" in answer.headers["content-disposition"]


@pytest.mark.parametrize("suffix", ["jpg", "webp", "png", "tiff"])
def test_the_format_and_what_a_file_says_are_kept(address, noisy, suffix):
    exif = Image.Exif()
    exif[0x010E] = "a lighthouse"
    format = {"jpg": "JPEG", "tiff": "TIFF"}.get(suffix, suffix)
    content = encoded(
        noisy, format, exif=exif.tobytes(), **({"quality": 70} if suffix == "jpg" else {})
    )
    answer = send(address, content, f"Café {suffix}.{suffix}", sigma=25)
    image = Image.open(io.BytesIO(answer.content))
    assert image.format.lower() == format.lower()
    assert image.getexif()[0x010E] == "a lighthouse"
    if suffix == "jpg":
        assert image.quantization == Image.open(io.BytesIO(content)).quantization
    stripped = send(address, content, f"a.{suffix}", sigma=25, strip="true").content
    assert 0x010E not in Image.open(io.BytesIO(stripped)).getexif()


def test_16_bits_another_format_and_a_name_without_suffix(address, grey_pixels, tmp_path):
    deep = encoded(grey_pixels.astype(np.uint16) * 257)
    for name, fields, suffix in (("a", {}, "png"), ("b.png", {"format": "tiff"}, "tiff")):
        answer = send(address, deep, name, sigma=5, **fields)
        path = tmp_path / f"result.{suffix}"
        path.write_bytes(answer.content)
        assert read_picture(path).depth == 16
        assert f".{suffix}" in answer.headers["content-disposition"]


def test_all_that_the_page_shows(address, noisy):
    answer = send(
        address, encoded(noisy), "../../etc/.pass\twd.png",
        headers={"Accept": "multipart/form-data"}, sigma=25,
    )  # fmt: skip
    found = parts_of(answer)
    names = [name for name, _, _ in found]
    report = json.loads(found[0][2])
    assert names[:4] == ["report", "noisy", "denoised", "removed"]
    assert names[-1] == "result"
    assert set(names[4:-1]) == {"layer"}
    assert report["output"] == found[-1][1] == "pass_wd_denoised.png"
    assert "/tmp" not in json.dumps(report)
    before, after, removed = (np.array(Image.open(io.BytesIO(c))) for _, _, c in found[1:4])
    np.testing.assert_array_equal(before, noisy)
    np.testing.assert_array_equal(after, np.array(Image.open(io.BytesIO(found[-1][2]))))
    times = report["amplification"]
    wanted = np.clip((before.astype(float) - after) * times + 127.5, 0, 255)
    np.testing.assert_allclose(removed, wanted, atol=0.51)
    maps = [Image.open(io.BytesIO(content)) for name, _, content in found if name == "layer"]
    assert len(maps) == len(report["layers"]) > 2
    for layer, image in zip(report["layers"], maps, strict=True):
        assert image.size == (37, 31)
        assert 0 <= layer["low"] <= layer["firing_rate"] <= layer["high"] <= 1
    assert report["layers"][0]["firing_rate"] == pytest.approx(report["firing_rate"], rel=1e-4)


def test_ten_at_once_come_out_as_one_by_one(address, noisy):
    contents = [encoded(np.roll(noisy, shift, 0)) for shift in range(10)]
    hand = {"sigma": 25, "timesteps": 1}
    with ThreadPoolExecutor(10) as pool:
        together = list(pool.map(lambda content: send(address, content, **hand), contents))
    assert [answer.status_code for answer in together] == [200] * 10
    assert len({answer.content for answer in together}) == 10
    for number in (0, 4, 9):
        assert together[number].content == send(address, contents[number], **hand).content


def test_what_cannot_be_used_is_said_in_one_line(address, noisy):
    picture = encoded(noisy)
    large = encoded(np.zeros((400, 300), np.uint8))
    cases = [
        (send(address, b"To whom it may concern", "letter.txt"), 400, "letter.txt: not a picture"),
        (send(address, b"", "empty.png"), 400, "empty.png: an empty file"),
        (send(address, picture[: len(picture) // 2]), 400, "noisy.png: damaged"),
        (send(address, large, "large.png"), 400, "large.png: the header claims 300 x 400"),
        (send(address, bytes(500_000)), 413, "larger than 0.4 MB"),
        (send(address, bytes(2_000_000)), 413, "larger than 0.4 MB"),
        (send(address, picture, strength=3), 422, "strength: "),
        (send(address, picture, strength="nan"), 422, "strength: "),
        (send(address, picture, timesteps=0), 422, "timesteps: "),
        (send(address, picture, format="exe"), 400, "unknown format 'exe'"),
        (send(address, picture, quality=50), 400, "lossless"),
        (requests.post(f"{address}/denoise", timeout=TIMEOUT), 422, "picture: "),
        (requests.get(f"{address}/denoise", timeout=TIMEOUT), 405, ""),
        (requests.get(f"{address}/../../etc/passwd", timeout=TIMEOUT), 404, ""),
    ]
    for answer, status, said in cases:
        assert (answer.status_code, said in answer.json()["error"]) == (status, True), said
        assert "\n" not in answer.json()["error"]
        assert "/tmp" not in answer.text


def test_nothing_is_kept(address, noisy, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert send(address, encoded(noisy)).ok
    assert not send(address, b"no picture").ok
    assert list(tmp_path.iterdir()) == []


def test_the_document_of_the_interface(address):
    document = requests.get(f"{address}/openapi.json", timeout=TIMEOUT).json()
    post = document["paths"]["/denoise"]["post"]
    form = post["requestBody"]["content"]["multipart/form-data"]["schema"]
    fields = document["components"]["schemas"][form["$ref"].rsplit("/", 1)[1]]["properties"]
    assert {"picture", "strength", "chroma_strength", "detail", "timesteps"} <= set(fields)
    assert fields["strength"]["maximum"] == 2
    assert {"200", "400", "408", "413", "422", "503"} <= set(post["responses"])
    refused = [
        answer["content"]["application/json"]["schema"]
        for path in document["paths"].values()
        for method in path.values()
        for status, answer in method["responses"].items()
        if status != "200"
    ]
    assert len(refused) > 7
    assert all(schema["required"] == ["error"] for schema in refused)
