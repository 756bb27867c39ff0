"""The formats of picture files: one table, of which all that depends on a format is asked."""

from pathlib import Path

from spiden_cli.core.files.format import Format
from spiden_cli.errors import OutputError

__all__ = [
    "CAMERA_RAW",
    "FOLDER_SUFFIXES",
    "FORMATS",
    "HEAD_LENGTH",
    "WRITTEN_SUFFIXES",
    "Format",
    "begun_as",
    "found_suffixes",
    "named",
    "stem_of",
    "suffix_of_result",
    "written_as",
]


def _foreign(name: str, suffixes: str, starts: tuple[tuple[int, bytes], ...], line: str,
             packages: str) -> Format:  # fmt: skip
    """A scientific format that isn't read, with its suffixes in one text, and its conversion."""
    found = tuple(suffixes.split())
    return Format(name, found, starts, depth=0, listed=False, conversion=(line, packages))


def _at(at: int, *marks: bytes) -> tuple[tuple[int, bytes], ...]:
    return tuple((at, mark) for mark in marks)


_BIOIO = "from bioio import BioImage; BioImage('{name}').save('{stem}.ome.tiff')"
CAMERA_RAW = Format(
    "camera raw",
    (
        ".dng", ".3fr", ".arw", ".cr2", ".cr3", ".erf", ".iiq", ".kdc", ".mef", ".mos", ".mrw",
        ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".sr2", ".srw", ".x3f",
    ),
    (
        # Fujifilm, Olympus, Panasonic, Sigma, Minolta; most others begin as a TIFF
        *_at(0, b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FOVb", b"\0MRM"),
        *_at(4, b"ftypcrx "),  # Canon CR3
        *_at(8, b"CR\x02"),  # Canon CR2, behind the header of a TIFF
    ),
    depth=0,
    becomes=".tiff",
    package=("rawpy", "raw"),
)  # fmt: skip
FORMATS = (
    CAMERA_RAW,  # first: its signatures are longer than those of a TIFF
    Format("PNG", (".png", ".apng"), _at(0, b"\x89PNG"), 16, alpha=True, animated=True),
    Format(
        "JPEG",
        (".jpg", ".jpeg"),
        _at(0, b"\xff\xd8"),
        quality=95,
        longest=65_500,
        only_read=(".mpo", ".jpe", ".jfif"),  # MPO: a stereo camera's, or with a preview
    ),
    Format(
        "TIFF",
        (".tif", ".tiff"),
        _at(0, b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
        16,
        alpha=True,
        any_type=True,
        only_read=(".stk", ".lsm"),  # of MetaMorph and Zeiss
    ),
    Format("BMP", (".bmp",), _at(0, b"BM")),
    Format(
        "WEBP", (".webp",), _at(8, b"WEBP"), alpha=True, quality=90, longest=16_383, animated=True
    ),
    Format(
        "AVIF",
        (".avif",),
        _at(4, b"ftypavif", b"ftypavis"),
        alpha=True,
        quality=90,
        animated=True,
    ),
    Format(
        "JPEG2000",
        (".jp2",),
        _at(0, b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51"),
        16,
        alpha=True,
        only_read=(".j2k", ".j2c", ".jpc", ".jpx", ".jpf"),  # without a file's head, or with more
    ),
    Format("TGA", (".tga",), alpha=True),  # a format that begins with nothing in particular
    Format("PNM", (".ppm", ".pnm"), _at(0, b"P1", b"P3", b"P4", b"P6", b"P7"), 16),
    Format("PNM", (".pgm",), _at(0, b"P2", b"P5"), 16, only_read=(".pbm",)),  # of one bit
    Format("PNM", (".pam",), depth=0),  # with transparency, which the others have no place for
    Format("PFM", (".pfm",), _at(0, b"PF", b"Pf"), 16, any_type=True, no_stacks=True),  # of floats
    Format(
        "HEIF",
        (".heic", ".heif", ".hif"),
        _at(4, *(b"ftyp" + brand for brand in (b"heic", b"heix", b"heim", b"heis", b"mif1"))),
        10,
        alpha=True,
        quality=90,
        package=("pillow_heif", "heic"),
    ),
    Format("JPEGXL", (".jxl",), _at(0, b"\xff\x0a", b"\0\0\0\x0cJXL "), 16, alpha=True, quality=90),
    Format("GIF", (".gif",), _at(0, b"GIF8"), depth=0),
    # Scientific formats last: their signs stand far behind, where a picture may have anything.
    _foreign(
        "FITS",
        ".fits .fit .fts",
        _at(0, b"SIMPLE  ="),
        "import numpy, astropy.io.fits as f; numpy.save('{stem}.npy', f.getdata('{name}'))",
        "astropy",
    ),
    _foreign("Zeiss CZI", ".czi", _at(0, b"ZISRAWFILE"), _BIOIO, "bioio bioio-czi bioio-ome-tiff"),
    _foreign(
        "Nikon ND2", ".nd2", _at(0, b"\xda\xce\xbe\x0a"), _BIOIO, "bioio bioio-nd2 bioio-ome-tiff"
    ),
    _foreign("Leica LIF", ".lif", _at(0, b"\x70\0\0\0"), _BIOIO, "bioio bioio-lif bioio-ome-tiff"),
    _foreign(
        "HDF5",
        ".h5 .hdf5 .ims",
        _at(0, b"\x89HDF\r\n\x1a\n"),
        "import numpy, h5py; numpy.save('{stem}.npy', h5py.File('{name}')['data'][()])",
        "h5py",
    ),
    _foreign(
        "NRRD",
        ".nrrd",
        _at(0, b"NRRD000"),
        "import numpy, nrrd; numpy.save('{stem}.npy', nrrd.read('{name}')[0])",
        "pynrrd",
    ),
    _foreign(
        "DICOM",
        ".dcm .dicom",
        _at(128, b"DICM"),
        "import numpy, pydicom; numpy.save('{stem}.npy', pydicom.dcmread('{name}').pixel_array)",
        "pydicom",
    ),
    _foreign(
        "MRC",
        ".mrc .mrcs .map .rec",
        _at(208, b"MAP "),
        "import numpy, mrcfile; numpy.save('{stem}.npy', mrcfile.read('{name}'))",
        "mrcfile",
    ),
    _foreign(
        "NIfTI",
        ".nii",
        _at(344, b"n+1\0"),
        "import numpy, nibabel; numpy.save('{stem}.npy', nibabel.load('{name}').get_fdata())",
        "nibabel",
    ),
    Format("NumPy", (".npy",), _at(0, b"\x93NUMPY"), 16, any_type=True, listed=False),
    Format(
        "OME-Zarr",
        (".zarr",),
        depth=16,
        for_stacks=True,
        any_type=True,
        listed=False,
        package=("zarr", "science"),
    ),
)

HEAD_LENGTH = max(at + len(mark) for format in FORMATS for at, mark in format.starts)
"""Bytes at the beginning of a file that tell its format."""

_OME_SUFFIXES = (".ome.tif", ".ome.tiff", ".ome.zarr")
_BY_SUFFIX = {suffix: format for format in FORMATS for suffix in format.suffixes}
WRITTEN_SUFFIXES = tuple(suffix for suffix, format in _BY_SUFFIX.items() if format.depth)
"""Suffixes, in lower case, of the files that can be written."""
FOLDER_SUFFIXES = tuple(suffix for f in FORMATS if f.for_stacks for suffix in f.suffixes)
"""Suffixes of folders that are one stack."""


def begun_as(head: bytes) -> Format | None:
    """Return the format of a file that begins so; None if it isn't known.

    Args:
        head: `HEAD_LENGTH` bytes, or all of a shorter file.
    """
    for format in FORMATS:
        if any(head.startswith(mark, at) for at, mark in format.starts):
            return format
    return None


def named(name: str) -> Format:
    """Return the format that Pillow calls so."""
    return next(format for format in FORMATS if format.name == name)


def written_as(path: Path) -> Format:
    """Return the format of a file that is to be written, by its suffix.

    Raises:
        OutputError: the suffix isn't supported.
    """
    format = _BY_SUFFIX.get(path.suffix.lower())
    if format is None or not format.depth:
        why = ""
        if format is not None and format.name == "GIF":
            why = (
                "; a GIF's 256 colours would undo the denoising: .png, .webp and .avif hold "
                "animations"
            )
        raise OutputError(
            f"can't write {path}: the suffix must be one of {', '.join(WRITTEN_SUFFIXES)}{why}"
        )
    return format


def found_suffixes(by_pattern: bool = False) -> tuple[str, ...]:
    """Return the suffixes of the files that are found in folders.

    Camera raw is among them only where it can be read: it often lies beside the camera's own JPEG.

    Args:
        by_pattern: those that a pattern may mean, arrays among them: in folders these are often
            no pictures.
    """
    formats = (f for f in FORMATS if (f.listed or by_pattern) and (f.depth or f.available))
    return tuple(suffix for f in formats for suffix in (*f.suffixes, *f.only_read))


def stem_of(path: Path) -> str:
    """Return a name without its suffix, which of OME's files has two parts."""
    ends = (end for end in _OME_SUFFIXES if path.name.lower().endswith(end))
    end = next(ends, None)
    return path.stem if end is None else path.name[: -len(end)]


def suffix_of_result(path: Path) -> str:
    """Return the suffix of what is made of a file: its own, or one that can be written."""
    suffix = path.name[len(stem_of(path)) :]
    if path.suffix.lower() in WRITTEN_SUFFIXES:
        return suffix
    if (format := _BY_SUFFIX.get(path.suffix.lower())) is not None:
        return format.becomes
    made = (f.suffixes[0] for f in FORMATS if path.suffix.lower() in f.only_read)
    return next(made, ".png")
