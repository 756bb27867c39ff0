"""Pictures are read and written without what is slow to import and not needed."""

import subprocess
import sys

import pytest

from spiden_cli.core.files.picture_files import write_picture

_READ_ESTIMATE_WRITE = """
import sys
from spiden_cli.core.files.picture_files import read_picture, write_picture
from spiden_cli.core.image.metrics import psnr
from spiden_cli.core.image.pixels import to_pixels, to_unit
from spiden_cli.core.noise.estimation import estimate_sigma
source, target = sys.argv[1:]
picture = read_picture(source)
estimate_sigma(picture.pixels, picture.range)
psnr(picture.pixels, picture.pixels)
to_pixels(to_unit(picture.pixels, picture.range), picture.pixels.dtype, picture.range)
write_picture(target, picture)
print(*sorted({name for name in sys.modules if "." not in name or name.startswith("PIL")}))
"""

_TIFF_ONLY = {"tifffile", "xml", "PIL.TiffImagePlugin"}
_NEVER = {"torch", "skimage", "scipy", "numba", "rich", "typer", "PIL.ImageCms"}


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize(
    ("source", "target", "unwanted"),
    [
        (".png", ".png", _NEVER | _TIFF_ONLY),
        (".jpg", ".png", _NEVER | {"tifffile"}),  # Pillow's JPEG reader imports its TIFF reader
        (".tif", ".tif", _NEVER),
    ],
)
def test_only_what_the_format_needs_is_imported(tmp_path, picture, source, target, unwanted, depth):
    write_picture(tmp_path / f"x{source}", picture(depth))
    files = [str(tmp_path / f"x{source}"), str(tmp_path / f"y{target}")]
    command = [sys.executable, "-c", _READ_ESTIMATE_WRITE, *files]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "numpy" in done.stdout.split()
    assert unwanted & set(done.stdout.split()) == set()
