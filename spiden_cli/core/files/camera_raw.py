"""Camera raw files are told apart from pictures: what they hold first is only a preview.

A raw file is a TIFF (DNG, NEF, CR2, ARW, PEF, SRW) or nearly one, whose first directory is a
thumbnail or a reduced JPEG; the sensor's values, one colour a pixel, are in a later directory or in
a SubIFD (TIFF/EP, ISO 12234-2; DNG specification 1.7, chapter 2).
"""

from pathlib import Path

from spiden_cli.errors import InputError

__all__ = ["SUFFIXES", "check_signature", "refusal"]

SUFFIXES = (
    ".3fr", ".arw", ".cr2", ".cr3", ".dng", ".erf", ".iiq", ".kdc", ".mef", ".mos", ".mrw", ".nef",
    ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".sr2", ".srw", ".x3f",
)  # fmt: skip
"""Suffixes, in lower case, by which cameras name raw files."""

_SIGNATURES = (
    (0, b"FUJIFILMCCD-RAW"),
    (0, b"IIRO"),  # Olympus
    (0, b"IIRS"),
    (0, b"MMOR"),
    (0, b"IIU\0"),  # Panasonic
    (0, b"FOVb"),  # Sigma
    (0, b"\0MRM"),  # Minolta
    (4, b"ftypcrx "),  # Canon CR3
    (8, b"CR\x02"),  # Canon CR2, behind the header of a TIFF
)


def check_signature(path: Path, head: bytes) -> None:
    """Refuse a raw file that its first bytes give away.

    Args:
        path: the file.
        head: its first 16 bytes.

    Raises:
        InputError: it is one.
    """
    if any(head[at : at + len(mark)] == mark for at, mark in _SIGNATURES):
        raise refusal(path)


def refusal(path: Path) -> InputError:
    """What to say of a raw file."""
    return InputError(
        f"{path}: a camera raw file, whose readable picture is only a preview; develop it to a "
        "16-bit TIFF first (darktable, RawTherapee or your camera's own program do it)"
    )
