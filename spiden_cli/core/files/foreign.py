"""Scientific files that aren't read here, known by their first bytes, and the way to what is.

A reader of each exists in Python, kept by those who know the format; an error names the one line
that turns the file into a NumPy array or an OME-TIFF.
"""

import re
from pathlib import Path
from typing import NamedTuple

from spiden_cli.errors import InputError

__all__ = ["LONGEST_SIGN", "check_foreign"]

LONGEST_SIGN = 512
"""How many of its first bytes tell what a file is."""


class _Format(NamedTuple):
    """A format, where its sign stands, and the line of Python that converts it."""

    name: str
    at: int
    sign: bytes
    line: str
    packages: str


_BIOIO = "from bioio import BioImage; BioImage('{name}').save('{stem}.ome.tiff')"
_FORMATS = (
    _Format(
        "FITS", 0, b"SIMPLE  =",
        "import numpy, astropy.io.fits as f; numpy.save('{stem}.npy', f.getdata('{name}'))",
        "astropy",
    ),
    _Format(
        "DICOM", 128, b"DICM",
        "import numpy, pydicom; numpy.save('{stem}.npy', pydicom.dcmread('{name}').pixel_array)",
        "pydicom",
    ),
    _Format(
        "MRC", 208, b"MAP ",
        "import numpy, mrcfile; numpy.save('{stem}.npy', mrcfile.read('{name}'))",
        "mrcfile",
    ),
    _Format("Zeiss CZI", 0, b"ZISRAWFILE", _BIOIO, "bioio bioio-czi bioio-ome-tiff"),
    _Format("Nikon ND2", 0, b"\xda\xce\xbe\x0a", _BIOIO, "bioio bioio-nd2 bioio-ome-tiff"),
    _Format("Leica LIF", 0, b"\x70\0\0\0", _BIOIO, "bioio bioio-lif bioio-ome-tiff"),
    _Format(
        "HDF5", 0, b"\x89HDF\r\n\x1a\n",
        "import numpy, h5py; numpy.save('{stem}.npy', h5py.File('{name}')['data'][()])",
        "h5py",
    ),
    _Format(
        "NIfTI", 344, b"n+1\0",
        "import numpy, nibabel; numpy.save('{stem}.npy', nibabel.load('{name}').get_fdata())",
        "nibabel",
    ),
    _Format(
        "NRRD", 0, b"NRRD000",
        "import numpy, nrrd; numpy.save('{stem}.npy', nrrd.read('{name}')[0])",
        "pynrrd",
    ),
)  # fmt: skip


def check_foreign(path: Path, head: bytes) -> None:
    """Refuse a scientific file of a format that isn't read, and say how to convert it.

    Args:
        path: the file.
        head: its first `LONGEST_SIGN` bytes, or all.

    Raises:
        InputError: it is one.
    """
    for name, at, sign, line, packages in _FORMATS:
        if head[at : at + len(sign)] != sign:
            continue
        plain = re.fullmatch(r"[\w .+-]+", path.name) is not None  # safe inside quotes
        stem = path.stem if plain else "converted"
        told = line.format(name=path.name if plain else "FILE", stem=stem)
        axes = "" if line is _BIOIO else f", then spiden denoise {stem}.npy --axes ZYX, or such"
        raise InputError(
            f'{path}: {name}, which spiden doesn\'t read; convert it: python -c "{told}" '
            f"(pip install {packages}){axes}"
        )
