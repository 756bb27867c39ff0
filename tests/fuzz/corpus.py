"""Small whole files of every kind that spiden reads, made anew, and what reads them."""

import io
import json
import math
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import netpbmfile
import numpy as np
import tifffile
import torch
from PIL import Image

from spiden_cli.core.data.training_images import TrainingImages
from spiden_cli.core.energy.constants import constants_toml, load_constants
from spiden_cli.core.files.jpeg2000_format import encode_jpeg2000
from spiden_cli.core.files.picture_files import read_picture
from spiden_cli.core.image.picture import Picture
from spiden_cli.core.network.presets import preset
from spiden_cli.core.training.config import TrainingConfig
from spiden_cli.core.training.loop import train
from spiden_cli.core.training.run_folder import RunFolder
from spiden_cli.core.training.setup import resume_run, start_run
from spiden_cli.core.weights import load_weights

KINDS = ("png", "jpg", "tif", "bmp", "webp", "gif", "ppm", "tga", "jp2", "weights", "checkpoint",
         "toml")  # fmt: skip

_NETWORK = replace(preset("tiny-if"), width=4, layers=4)
_CONFIG = TrainingConfig(steps=3, batch_size=2, patch_size=16, warmup=1, validate_every=1)


@cache
def seeds(kind: str) -> list[bytes]:
    """Return whole files of a kind."""
    if kind == "toml":
        return [constants_toml().encode()]
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
    else:
        picture = read_picture(path)
        assert picture.pixels.dtype in (np.uint8, np.uint16)
        assert picture.pixels.shape[:2] == (picture.height, picture.width)
        assert math.isfinite(picture.levels.white)
        assert picture.levels.black < picture.levels.white


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
    photometric = "rgb" if pixels.ndim == 3 else "minisblack"
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
