"""Pictures on storage: an S3 server of this machine, by this process and by a cluster."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from volume_files import contents, objects

pytest.importorskip("fsspec", reason="spiden[dask] isn't installed")
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture
def bucket(bucket, tmp_path: Path):
    """The S3 server, with scans/in/a.png, b.png, sub/c.png and words; the same in in/."""
    generator = np.random.default_rng(5)
    for name in ("a", "b", "sub/c"):
        path = tmp_path / "in" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(0, 256, (24, 20), dtype=np.uint8)).save(path)
        bucket.pipe_file(f"scans/in/{name}.png", path.read_bytes())
    bucket.pipe_file("scans/in/words.txt", b"no picture")
    return bucket


@pytest.fixture
def denoise(spiden, small_weights):
    def run(*arguments: object):
        return spiden("denoise", *arguments, "-m", small_weights, "--sigma", 25)

    return run


def statuses(outcome: object) -> dict[str, str]:
    return {record["source"]: record["status"] for record in json.loads(outcome.stdout)}


def test_a_tree_on_s3_becomes_another_there(denoise, bucket, scheduler):
    assert denoise("in", "-r", "-o", "here").code == 0
    there = denoise(
        "s3://scans/in", "-r", "-o", "s3://scans/out/", "--json", "--scheduler", scheduler
    )
    assert there.code == 0, there.stderr
    assert objects(bucket, "scans/out") == contents("here")
    assert sorted(statuses(there)) == [f"s3://scans/in/{n}.png" for n in ("a", "b", "sub/c")]
    assert json.loads(there.stdout)[0]["output"].startswith("s3://scans/out/")

    bucket.rm_file("scans/out/a.png")
    bucket.pipe_file("scans/out/b.png", b"of another")
    again = denoise("s3://scans/in", "-r", "-o", "s3://scans/out/", "--json", "--skip-existing")
    assert again.code == 0, again.stderr
    assert statuses(again) == {
        "s3://scans/in/a.png": "denoised",
        "s3://scans/in/b.png": "skipped",
        "s3://scans/in/sub/c.png": "skipped",
    }
    assert objects(bucket, "scans/out")["a.png"] == contents("here")["a.png"]
    assert objects(bucket, "scans/out")["b.png"] == b"of another"


def test_names_beside_and_here_without_a_cluster(denoise, bucket):
    assert denoise("in/a.png", "-o", "a.png").code == 0
    planned = denoise("s3://scans/in/a.png", "--dry-run")
    assert "s3://scans/in/a.png -> s3://scans/in/a_denoised.png\n" in planned.stdout
    one = denoise("s3://scans/in/a.png")
    assert one.code == 0, one.stderr
    assert "s3://scans/in/a_denoised.png" in one.stdout
    assert objects(bucket, "scans/in")["a_denoised.png"] == Path("a.png").read_bytes()
    refused = denoise("s3://scans/in/a.png")
    assert refused.code == 6
    assert "s3://scans/in/a_denoised.png exists" in refused.stderr
    several = denoise("s3://scans/in/?.png", "-o", "clean", "--json")  # a result is no picture
    assert statuses(several) == {f"s3://scans/in/{n}.png": "denoised" for n in "ab"}
    assert sorted(contents("clean")) == ["a.png", "b.png"]
    up = denoise(f"file://{Path('in').absolute()}", "-o", "s3://scans/up/", "--json")
    assert up.code == 0, up.stderr
    assert objects(bucket, "scans/up") == contents("clean")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["s3://nothing/in/"], 2, "no such file, folder or bucket"),
        (["s3://scans/in/none.png"], 2, "s3://scans/in/none.png: no such file"),
        (["s3://scans/in/*.tif"], 2, "no picture matches"),
        (["nonsense://a/b.png"], 2, "nothing is known of nonsense://"),
        (["in/a.png", "-o", "s3://nothing/a.png"], 6, "s3://nothing/a.png: no such"),
        (["s3://scans/in/a.png", "--mask", "s3://scans/m.png"], 2, "--mask takes a path"),
        (["s3://scans/in/a.png", "-o", "s3://scans/in/a.png"], 2, "is an input"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(denoise, bucket, arguments, code, words):
    outcome = denoise(*arguments)
    assert outcome.code == code
    assert words in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_a_damaged_picture_is_told_by_its_url(denoise, bucket):
    bucket.pipe_file("scans/in/b.png", b"\x89PNG\r\n\x1a\nno more")
    outcome = denoise("s3://scans/in/", "-o", "clean", "--json")
    assert outcome.code == 2
    assert statuses(outcome)["s3://scans/in/b.png"] == "failed"
    assert "s3://scans/in/b.png" in outcome.stderr
    assert "spiden-" not in outcome.stderr
    assert sorted(contents("clean")) == ["a.png"]


def test_without_credentials_it_says_so(denoise, bucket, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/none")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/none")
    type(bucket).clear_instance_cache()
    outcome = denoise("s3://scans/in/a.png")
    type(bucket).clear_instance_cache()
    assert outcome.code == 2
    assert "credentials" in outcome.stderr


def test_storage_without_atomic_puts_has_nothing_half_written(denoise, bucket, monkeypatch):
    import fsspec

    memory = fsspec.filesystem("memory")
    monkeypatch.setattr(memory, "mv", lambda *_, **__: (_ for _ in ()).throw(OSError("cut off")))
    outcome = denoise("in/a.png", "-o", "memory://out/a.png")
    assert outcome.code == 6
    assert "cut off" in outcome.stderr
    assert memory.find("/out") == []
