"""OME-Zarr volumes on storage, denoised chunk by chunk where they lie."""

import json
from pathlib import Path

import pytest
from volume_files import contents, objects, volume

pytest.importorskip("distributed", reason="spiden[dask] isn't installed")
pytest.importorskip("zarr", reason="spiden[science] isn't installed: no OME-Zarr is tested")
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture
def bucket(bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The S3 server, with scans/cells.ome.zarr; the same in the working directory."""
    volume(tmp_path / "cells.ome.zarr", (1, 3, 48, 40))
    labels = tmp_path / "cells.ome.zarr" / "labels"
    labels.mkdir()
    (labels / "zarr.json").write_text('{"zarr_format": 3, "node_type": "group"}')
    (labels / "words").write_bytes(b"what is where")
    bucket.put(str(tmp_path / "cells.ome.zarr"), "scans/cells.ome.zarr", recursive=True)
    monkeypatch.setattr("spiden_cli.cluster.volumes.TILE", 24)  # the planes are larger
    return bucket


@pytest.fixture
def denoise(spiden, small_weights):
    def run(*arguments: object):
        return spiden("denoise", *arguments, "-m", small_weights)

    return run


def record(outcome: object) -> dict[str, object]:
    told = json.loads(outcome.stdout)
    return told[0] if isinstance(told, list) else told


SOURCE, TARGET = "s3://scans/cells.ome.zarr", "s3://scans/clean.ome.zarr"


def test_a_lost_worker_changes_nothing_on_s3(denoise, bucket, scheduler, killing):
    from moto.backends import get_backend

    alone = denoise("cells.ome.zarr", "-o", "here.ome.zarr", "--json")
    assert alone.code == 0, alone.stderr

    def begun() -> bool:  # asked of the server's own memory, since requests take time from it
        keys = get_backend("s3")["123456789012"]["aws"].buckets["scans"].keys
        return any(".spiden-unfinished/" in name for name in list(keys))

    with killing(begun):
        there = denoise(SOURCE, "-o", TARGET, "--scheduler", scheduler, "--json")
    assert there.code == 0, there.stderr
    assert objects(bucket, "scans/clean.ome.zarr") == contents(Path("here.ome.zarr"))
    one, other = (record(outcome) for outcome in (there, alone))
    assert one["output"] == TARGET
    assert one["synaptic_operations"] == other["synaptic_operations"]
    skipped = denoise(SOURCE, "-o", TARGET, "--skip-existing", "--json", "--scheduler", scheduler)
    assert record(skipped)["status"] == "skipped"
    refused = denoise(SOURCE, "-o", TARGET)
    assert refused.code == 6
    assert f"{TARGET} exists" in refused.stderr


def test_what_was_done_before_an_end_is_not_done_again(denoise, bucket, monkeypatch):
    assert denoise("cells.ome.zarr", "-o", "here.ome.zarr", "--json").code == 0
    from spiden_cli.cluster import volumes

    done, real = list[str](), volumes._Denoise.done

    def ends_at_the_fourth(self, place):
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(self.name)
        return real(self, place)

    monkeypatch.setattr(volumes._Denoise, "done", ends_at_the_fourth)
    ended = denoise(SOURCE, "-o", TARGET)
    assert ended.code != 0
    bucket.invalidate_cache()
    assert not bucket.exists("scans/clean.ome.zarr/zarr.json")  # nobody takes it for a whole one
    first, done = done, []

    def counts(self, place):
        done.append(self.name)
        return real(self, place)

    monkeypatch.setattr(volumes._Denoise, "done", counts)
    again = denoise(SOURCE, "-o", TARGET, "--skip-existing", "--json")
    assert again.code == 0, again.stderr
    assert done
    assert not set(done) & set(first)
    assert objects(bucket, "scans/clean.ome.zarr") == contents(Path("here.ome.zarr"))
    alone = denoise(SOURCE, "-o", "down.ome.zarr", "--json")
    assert record(again)["synaptic_operations"] == record(alone)["synaptic_operations"]
    assert contents(Path("down.ome.zarr")) == contents(Path("here.ome.zarr"))


def test_what_was_begun_in_another_way_is_begun_anew(denoise, bucket):
    target = "scans/clean.ome.zarr"
    bucket.pipe_file(f"{target}/.spiden-unfinished.json", b"another")
    bucket.pipe_file(f"{target}/.spiden-unfinished/1.json", b"damaged")
    bucket.pipe_file(f"{target}/0/c/9/9/9/9", b"of another")
    up = denoise("cells.ome.zarr", "-o", TARGET, "--sigma", 9)
    assert up.code == 0, up.stderr
    assert denoise("cells.ome.zarr", "-o", "here.ome.zarr", "--sigma", 9).code == 0
    assert objects(bucket, target) == contents(Path("here.ome.zarr"))
    replaced = denoise("cells.ome.zarr", "-o", TARGET, "--sigma", 3, "--overwrite")
    assert replaced.code == 0, replaced.stderr
    assert objects(bucket, target) != contents(Path("here.ome.zarr"))


def test_what_is_not_its_own_is_left_alone(denoise, bucket):
    bucket.pipe_file("scans/clean.ome.zarr/notes.txt", b"of mine")
    for option in ([], ["--overwrite"]):
        refused = denoise(SOURCE, "-o", TARGET, *option)
        assert refused.code == 6
        assert TARGET in refused.stderr
    assert objects(bucket, "scans/clean.ome.zarr") == {"notes.txt": b"of mine"}
    bucket.rm_file("scans/cells.ome.zarr/zarr.json")
    unfinished = denoise(SOURCE, "-o", "here.ome.zarr")
    assert unfinished.code == 2
    assert f"{SOURCE}: no Zarr" in unfinished.stderr
    assert not Path("here.ome.zarr").exists()
