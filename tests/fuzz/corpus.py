"""Small whole files of every kind that spiden reads, made anew, and what reads them."""

import gzip
import io
import json
import math
import shutil
import tempfile
import zlib
from dataclasses import replace
from functools import cache
from pathlib import Path

import netpbmfile
import numpy as np
import tifffile
import torch
from PIL import Image
from worded_corpus import WORDED, read_worded, worded_seeds

from spiden_cli.core.data.training_images import TrainingImages
from spiden_cli.core.energy.constants import constants_toml, load_constants
from spiden_cli.core.files.jpeg2000_format import encode_jpeg2000
from spiden_cli.core.files.picture_files import read_picture
from spiden_cli.core.files.stacks.opening import is_stack, open_stack
from spiden_cli.core.image.picture import Picture
from spiden_cli.core.network.presets import preset
from spiden_cli.core.training.config import TrainingConfig
from spiden_cli.core.training.loop import train
from spiden_cli.core.training.run_folder import RunFolder
from spiden_cli.core.training.setup import resume_run, start_run
from spiden_cli.core.weights import load_weights
from spiden_cli.errors import InputError

KINDS = ("png", "jpg", "tif", "bmp", "webp", "gif", "ppm", "tga", "jp2", "weights", "checkpoint",
         "toml", "npy", "ome", "zarr", *WORDED)  # fmt: skip
"""Of files; "zarr" is the metadata of a store, whose chunks stay what they are."""
STACKS = ("npy", "ome", "zarr")
_MOST_PLANES = 100

_NETWORK = replace(preset("tiny-if"), width=4, layers=4)
_CONFIG = TrainingConfig(steps=3, batch_size=2, patch_size=16, warmup=1, validate_every=1)


@cache
def seeds(kind: str) -> list[bytes]:
    """Return whole files of a kind."""
    if kind == "toml":
        return [constants_toml().encode()]
    if kind in STACKS:
        return _stacks(kind)
    if kind in WORDED:
        return worded_seeds(kind)
    if kind in ("weights", "checkpoint"):
        checkpoint, weights, _ = _run()
        return [weights] if kind == "weights" else [checkpoint, *[_without_hash(checkpoint)] * 3]
    return _pictures(kind)


def read(kind: str, path: Path) -> None:
    """Read a file as spiden does.

    Raises:
        SpidenError: it is refused.
        AssertionError: it was read, and what came of it can't be true.
    """
    if kind == "toml":
        load_constants(path)
    elif kind == "weights":
        network, info = load_weights(path)
        assert all(tensor.isfinite().all() for tensor in network.state_dict().values())
        assert all(1 <= count <= 64 for count in info.timesteps)
    elif kind == "checkpoint":
        _resume(path)
    elif kind in STACKS:
        _read_stack(_store(path) if kind == "zarr" else path)
    elif kind in WORDED:
        read_worded(path)
    else:
        picture = read_picture(path)
        assert picture.pixels.dtype in (np.uint8, np.uint16)
        assert picture.pixels.shape[:2] == (picture.height, picture.width)
        assert math.isfinite(picture.levels.white)
        assert picture.levels.black < picture.levels.white


def _stacks(kind: str) -> list[bytes]:
    stack = np.random.default_rng(0).integers(0, 255, (3, 34, 38), np.uint8)
    if kind == "zarr":
        return [json.dumps(words).encode() for words in (_zarr_group(), *_zarr_arrays())]
    if kind == "npy":
        return [_npy(stack), _npy(stack[0].astype(">f4")), _npy(np.asfortranarray(stack[1]))]
    words = {"axes": "ZYX", "PhysicalSizeX": 0.1, "Plane": {"DeltaT": [1.0, 2.0, 3.0]}}
    ome = _tiff(stack, ome=True, metadata=words)
    imagej = _tiff(stack, imagej=True, metadata={"axes": "TYX", "finterval": 0.5})
    return [ome, ome, imagej, _tiff(stack, metadata={"axes": "ZYX"})]


def _npy(values: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values)
    return buffer.getvalue()


def _zarr_group() -> dict[str, object]:
    axes = [{"name": name, "type": "space", "unit": "micrometer"} for name in "zyx"]
    scale = [{"type": "scale", "scale": [1.0, 0.5, 0.5]}]
    datasets = [{"path": "0", "coordinateTransformations": scale}]
    image = {"version": "0.4", "name": "cells", "axes": axes, "datasets": datasets}
    return {"multiscales": [image], "omero": {"channels": [{"color": "00FF00"}]}}


def _zarr_arrays() -> tuple[dict[str, object], dict[str, object]]:
    """Of the plain array `0`, in Zarr 2 and in Zarr 3."""
    second = {"zarr_format": 2, "shape": [3, 34, 38], "chunks": [1, 34, 38], "dtype": "|u1",
              "compressor": {"id": "zlib", "level": 1}, "fill_value": 0, "order": "C",
              "filters": None, "dimension_separator": "."}  # fmt: skip
    grid = {"name": "regular", "configuration": {"chunk_shape": [1, 34, 38]}}
    keys = {"name": "default", "configuration": {"separator": "/"}}
    codecs = [{"name": "bytes"}, {"name": "gzip", "configuration": {"level": 1}}]
    third = {"zarr_format": 3, "node_type": "array", "shape": [3, 34, 38], "data_type": "uint8",
             "chunk_grid": grid, "chunk_key_encoding": keys, "fill_value": 0, "codecs": codecs,
             "attributes": {}}  # fmt: skip
    return second, third


def _store(words: Path) -> Path:
    """Put metadata into a store: of the array that has the most to do with them, or the image's."""
    second, _ = _zarr_arrays()
    content, store = words.read_bytes(), words.with_suffix(".store")
    shutil.rmtree(store, ignore_errors=True)
    array = store / "0"
    (array / "c").mkdir(parents=True)
    (store / ".zgroup").write_text('{"zarr_format": 2}')
    (store / ".zattrs").write_text(json.dumps(_zarr_group()))
    (array / ".zarray").write_text(json.dumps(second))
    plane = bytes(range(256)) * 6
    for at in range(3):
        (array / f"{at}.0.0").write_bytes(zlib.compress(plane[: 34 * 38]))
        (array / "c" / str(at) / "0").mkdir(parents=True)
        (array / "c" / str(at) / "0" / "0").write_bytes(gzip.compress(plane[: 34 * 38]))
    if b"multiscales" in content:
        (store / ".zattrs").write_bytes(content)
    elif b"chunk_grid" in content or b'"zarr_format": 3' in content:
        (array / ".zarray").unlink()
        (array / "zarr.json").write_bytes(content)
        return array
    else:
        (array / ".zarray").write_bytes(content)
    return store


def _read_stack(path: Path) -> None:
    axes = None
    try:
        stacked = is_stack(path)
        source = open_stack(path) if stacked or path.suffix != ".npy" else None
    except InputError as error:
        if "--axes" not in str(error):
            raise
        axes = "ZYX"
        source = open_stack(path, axes)
    if source is None:
        read_picture(path)
        return
    with source as stack:
        assert math.prod(stack.layout.shape) > 0
        for _, index in zip(range(_MOST_PLANES), stack.layout.indices(), strict=False):
            assert stack.read(index).shape == stack.layout.plane


def _pictures(kind: str) -> list[bytes]:
    generator = np.random.default_rng(0)
    colour = generator.integers(0, 255, (34, 38, 3), np.uint8)
    grey, deep = colour[..., 0].copy(), colour.astype(np.uint16) * 257
    if kind == "jp2":
        return [encode_jpeg2000(Picture(pixels)) for pixels in (grey, colour, deep)]
    if kind == "ppm":
        return [_netpbm(grey), _netpbm(colour), _netpbm(deep)]
    if kind == "tif":
        kinds = [None, "packbits", "lzw", "deflate", "zstd", "jpeg"]
        found = [_tiff(colour, compression=name) for name in kinds]
        tiled = _tiff(deep, compression="deflate", predictor=True, tile=(16, 16))
        return [*found, tiled, _tiff(grey, rowsperstrip=8)]
    images = {
        "png": [*map(Image.fromarray, (grey, colour)), *_modes("1", "P", "LA", "RGBA", "I;16")],
        "jpg": [*map(Image.fromarray, (grey, colour)), *_modes("CMYK")],
        "bmp": [*map(Image.fromarray, (grey, colour)), *_modes("1", "P")],
        "webp": [Image.fromarray(colour), *_modes("RGBA")],
        "gif": [Image.fromarray(grey).convert("P")],
        "tga": [*map(Image.fromarray, (grey, colour)), *_modes("RGBA")],
    }[kind]
    return [_saved(image, kind) for image in images] + ([_rle()] if kind == "bmp" else [])


def _modes(*modes: str) -> list[Image.Image]:
    ramp = Image.linear_gradient("L").resize((38, 34))
    return [ramp.convert("RGBA").convert(m) if m != "I;16" else ramp.convert("I;16") for m in modes]


def _saved(image: Image.Image, kind: str) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, {"jpg": "JPEG"}.get(kind, kind.upper()))
    return buffer.getvalue()


def _rle() -> bytes:
    """A BMP of 38 x 34 pixels in runs."""
    content = bytearray(_saved(Image.new("P", (38, 34)), "bmp"))
    start = int.from_bytes(content[10:14], "little")
    runs = b"".join(bytes((38, row, 0, 0)) for row in range(34)) + b"\0\1"
    content[30:34] = (1).to_bytes(4, "little")
    content[34:38] = len(runs).to_bytes(4, "little")
    return bytes(content[:start]) + runs


def _tiff(pixels: np.ndarray, **options: object) -> bytes:
    buffer = io.BytesIO()
    photometric = "rgb" if pixels.shape[2:] == (3,) else "minisblack"
    tifffile.imwrite(buffer, pixels, photometric=photometric, **options)
    return buffer.getvalue()


def _netpbm(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    netpbmfile.imwrite(buffer, pixels)
    return buffer.getvalue()


def _without_hash(checkpoint: bytes) -> bytes:
    """Return it as version 2, whose tensors no hash protects."""
    length = int.from_bytes(checkpoint[:8], "little")
    header = json.loads(checkpoint[8 : 8 + length])
    header["__metadata__"]["checkpoint_version"] = "2"
    del header["__metadata__"]["sha256"]
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + checkpoint[8 + length :]


def _images() -> TrainingImages:
    generator = torch.Generator().manual_seed(1)
    images = list(torch.randint(0, 255, (3, 1, 20, 24), generator=generator, dtype=torch.uint8))
    return TrainingImages(images[:2], images[2:])


@cache
def _run() -> tuple[bytes, bytes, Path]:
    """Train for two steps; a checkpoint, weights, and a folder for others."""
    folder = RunFolder(Path(tempfile.mkdtemp(prefix="spiden-fuzz-")))
    steps = train(
        start_run(_NETWORK, _CONFIG, _images(), torch.device("cpu"), {"preset": "tiny"}), folder
    )
    next(steps), next(steps)
    steps.close()
    content = folder.checkpoint.read_bytes(), folder.weights.read_bytes()
    return *content, folder.path


def _resume(path: Path) -> None:
    """Go on from a checkpoint, as `--resume` does, with one step more."""
    folder = RunFolder(_run()[2])
    folder.checkpoint.write_bytes(path.read_bytes())
    run = resume_run(folder, _NETWORK, _CONFIG, _images(), torch.device("cpu"))
    for _ in train(run, None):
        pass
    assert all(tensor.isfinite().all() for tensor in run.state.averaged.state_dict().values())
