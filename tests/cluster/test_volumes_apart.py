"""What is denoised in tiles, no more than some of a plane in memory, is what one process writes."""

import pickle
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from volume_files import contents

import spiden_cli
from spiden_cli.core.noise.model import UnknownCounts
from spiden_cli.core.tasks.settings import Files, Settings
from spiden_cli.errors import InputError

zarr = pytest.importorskip("zarr", reason="spiden[science] isn't installed: no OME-Zarr is tested")
pytest.importorskip("fsspec", reason="spiden[dask] isn't installed")

HEIGHT, WIDTH = 132, 116


def scene(seed: int) -> np.ndarray:
    """Stripes from 0 to 1 that get finer to the right, under white noise; (2, H, W)."""
    generator = np.random.default_rng(seed)
    x = np.linspace(0, 4, WIDTH)
    clean = np.broadcast_to(0.5 + 0.5 * np.sin(6 * x**2), (2, HEIGHT, WIDTH))
    return clean + generator.normal(0, 0.1, clean.shape)


def counts() -> np.ndarray:
    """Photons, with stuck pixels, faulty lines, and offsets of rows."""
    generator = np.random.default_rng(7)
    values = 2.0 * generator.poisson(20 + 60 * scene(1).clip(0, 1)) + 100
    values += generator.normal(0, 8, (2, HEIGHT, 1))
    values[0, 40], values[1, :, 31:33] = 400, 20
    values[:, [20, 63, 64], [30, 63, 24]] = 2000
    return np.rint(values).clip(0).astype(np.uint16)


def holes() -> np.ndarray:
    values = scene(2).astype(np.float32)
    values[0, 30:70, 50:60] = np.nan
    return values


def far_from_zero() -> np.ndarray:
    return scene(5) * 3 + 2.0**26


def colours() -> np.ndarray:
    return np.rint(np.stack([255 * scene(k) for k in range(3)], -1)).clip(0, 255).astype(np.uint8)


KINDS = {
    "clipped bytes": (lambda: np.rint(255 * scene(3)).clip(0, 255).astype(np.uint8), {}),
    "a pale deep picture": (lambda: np.rint(30000 + 900 * scene(4)).astype(np.uint16), {}),
    "counts with faults": (counts, {"noise": UnknownCounts()}),
    "floats with holes": (holes, {"noise": 20.0}),
    "far from zero": (far_from_zero, {"per_plane": True}),
    "colours": (colours, {"axes": "ZYXS"}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_tiles_are_those_of_the_whole(tmp_path: Path, monkeypatch, kind, small_weights):
    from spiden_cli.cluster import volumes
    from spiden_cli.core.tasks import stack_reader
    from spiden_cli.core.tasks.stack_files import denoise_stack_file

    for module, name, side in (
        (volumes, "TILE", 64), (stack_reader, "STEP", 40), (stack_reader, "LARGE", 8),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, side)
    make, more = KINDS[kind]
    values = make()
    source = tmp_path / "in.zarr"
    array = zarr.create_array(
        str(source), shape=values.shape, dtype=values.dtype, chunks=(1, 24, 32, *values.shape[3:])
    )
    array[...] = values
    settings = Settings(**{"axes": "ZYX", **more})
    model = spiden_cli.load(small_weights, engine="dense", threads=1)
    whole = denoise_stack_file(model, settings, Files(source, tmp_path / "whole.zarr"))

    files = Files(source, tmp_path / "apart.zarr")
    tiled = denoise_stack_file(model, settings, files, denoise_planes=apart)
    assert contents(files.target) == contents(tmp_path / "whole.zarr")
    assert tiled.result.channels == whole.result.channels
    assert tiled.result.activity == whole.result.activity
    assert tiled.result.removed == pytest.approx(whole.result.removed)


@pytest.fixture
def block_of_planes(tmp_path: Path) -> Path:
    """Forty planes that are stored as one, 1.2 MB, so that they are written together."""
    values = np.rint(900 + 90 * np.repeat(scene(6)[:1], 40, axis=0)).astype(np.uint16)
    array = zarr.create_array(
        str(tmp_path / "in.zarr"), shape=values.shape, dtype="u2",
        chunks=(1, HEIGHT, WIDTH), shards=values.shape,
    )  # fmt: skip
    array[...] = values
    return tmp_path / "in.zarr"


def apart(*arguments):
    from spiden_cli.cluster import volumes

    return volumes.denoise_volume(None, *arguments)


def test_a_plane_with_holes_is_held_to_the_limit(tmp_path: Path, small_weights, monkeypatch):
    from spiden_cli.cluster import volumes
    from spiden_cli.core.tasks import stack_reader
    from spiden_cli.core.tasks.stack_files import denoise_stack_file

    monkeypatch.setattr(volumes, "TILE", 64)
    monkeypatch.setattr(stack_reader, "LARGE", 8)
    model = spiden_cli.load(small_weights, engine="dense", threads=1)

    def denoise(values: np.ndarray, most: int) -> None:
        for folder in ("in.zarr", "out.zarr"):
            shutil.rmtree(tmp_path / folder, ignore_errors=True)
        array = zarr.create_array(
            str(tmp_path / "in.zarr"), shape=values.shape, dtype="f4", chunks=(1, 24, 32)
        )
        array[...] = values
        settings = Settings(axes="ZYX", noise=20.0, max_memory=most)
        files = Files(tmp_path / "in.zarr", tmp_path / "out.zarr")
        denoise_stack_file(model, settings, files, denoise_planes=apart)

    denoise(np.nan_to_num(holes()), 500_000)
    with pytest.raises(InputError, match=r"places without a number .* raise --max-memory"):
        denoise(holes(), 500_000)
    assert not (tmp_path / "out.zarr").exists()
    denoise(holes(), 1_000_000)


TOO_MUCH = re.escape("its chunks go over 40 planes")


def test_planes_that_share_chunks_are_held_to_the_limit(block_of_planes, small_weights):
    from spiden_cli.core.tasks.stack_files import denoise_stack_file

    model = spiden_cli.load(small_weights, engine="dense", threads=1)
    files = Files(block_of_planes, block_of_planes.with_name("out.zarr"))
    few = Settings(axes="ZYX", noise=20.0, max_memory=2_000_000)
    with pytest.raises(InputError, match=TOO_MUCH):
        denoise_stack_file(model, few, files, denoise_planes=apart)
    assert not files.target.exists()
    denoise_stack_file(model, replace(few, max_memory=4_000_000), files, denoise_planes=apart)
    assert files.target.exists()


def test_without_a_limit_a_worker_knows_what_is_free(block_of_planes, small_weights, monkeypatch):
    from spiden_cli.core import memory
    from spiden_cli.core.tasks.stack_files import denoise_stack_file

    def with_little_memory(*arguments):
        monkeypatch.setattr(memory, "_LITTLE", 0)
        monkeypatch.setattr(memory, "free_memory", lambda: 2_000_000)
        return apart(*arguments)

    model = spiden_cli.load(small_weights, engine="dense", threads=1)
    files = Files(block_of_planes, block_of_planes.with_name("out.zarr"))
    settings = Settings(axes="ZYX", noise=20.0)
    with pytest.raises(InputError, match=TOO_MUCH):
        denoise_stack_file(model, settings, files, denoise_planes=with_little_memory)


def test_workers_are_told_the_limit():
    from spiden_cli.cluster.volumes import _Place, _Step
    from spiden_cli.core.memory import limits, memory_limited

    class Part:
        def done(self, place: _Place) -> tuple[int | None, int]:
            return limits()

    with memory_limited(5_000_000, 3):
        step = _Step(_Place(None, None, None, "", None, limits()))
    assert pickle.loads(pickle.dumps(step))(Part()) == (5_000_000, 3)
