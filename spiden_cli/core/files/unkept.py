"""Parts of a file that no metadata of a picture holds, in words, so that none is lost silently.

Cameras, phones and programs put data of their own into files: thermal readings, credentials,
videos. Most of it is true of the noisy pixels alone, and no library carries it over.
"""

import re
from pathlib import Path

from PIL import ImageFile

from spiden_cli.core.files.file_head import Head
from spiden_cli.core.files.iptc import PHOTOSHOP_PATHS
from spiden_cli.core.files.png_chunks import unkept_chunks

__all__ = ["data_behind", "unkept_parts"]

_KEPT_SEGMENTS = {  # how the bodies begin that are kept, or are about how pixels are stored
    "APP0": (b"JFIF", b"JFXX"),
    "APP1": (b"Exif\0", b"http://ns.adobe.com/xap/1.0/\0", b"http://ns.adobe.com/xmp/extension/\0"),
    "APP2": (b"ICC_PROFILE\0", b"MPF\0", b"urn:iso:std:iso:ts:21496:-1\0"),
    "APP12": (b"Ducky",),
    "APP13": (b"Photoshop 3.0\0",),
    "APP14": (b"Adobe",),
}
_KEPT_IN_WEBP = {b"VP8X", b"VP8L", b"VP8 ", b"ALPH", b"ANIM", b"ANMF", b"ICCP", b"EXIF", b"XMP "}
_CREDENTIALS = "content credentials (C2PA)"
_WORD = re.compile(rb"[A-Za-z][\w :./-]{1,30}")
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_EOI = 0xD9
_PADDING = b"\0\xff\r\n "
_MOST_MARKERS = 10_000
_VIDEO, _VIDEO_WITHIN = b"ftyp", 64


def unkept_parts(image: ImageFile.ImageFile, head: Head) -> list[str]:
    """What isn't kept of a PNG, JPEG or WebP besides pixels, a sentence each.

    Args:
        image: as Pillow has opened it.
        head: what stands around its pixels.
    """
    several: list[str] = []
    if image.format == "PNG":
        lost, several = unkept_chunks(head.chunks)
    elif image.format == "WEBP":
        lost = [_named(name.decode("latin-1")) for name in head.names if name not in _KEPT_IN_WEBP]
    else:
        lost = _unkept_segments(image)
    sentences = []
    if lost:
        listed = ", ".join(dict.fromkeys(lost))
        sentences.append(f"parts of the file that aren't kept: {listed}")
    if several:
        sentences.append(f"of texts of one name the last alone is kept: {', '.join(several)}")
    return sentences


def _named(name: str) -> str:
    known = name.isascii() and name.isprintable()
    return _CREDENTIALS if name == "C2PA" else f"the chunk {name if known else '?'}"


def _unkept_segments(image: ImageFile.ImageFile) -> list[str]:
    """The application segments of a JPEG, and the paths among Photoshop's."""
    lost = []
    for marker, body in getattr(image, "applist", ()):
        if marker == "COM" or body.startswith(_KEPT_SEGMENTS.get(marker, ())):
            continue
        word = _WORD.match(body)
        if marker == "APP11" and body.startswith(b"JP"):
            lost.append(_CREDENTIALS if b"c2pa" in body else "JUMBF")
        else:
            lost.append(f"{marker} {word[0].decode()}" if word else marker)
    resources = image.info.get("photoshop")
    if isinstance(resources, dict) and any(number in PHOTOSHOP_PATHS for number in resources):
        lost.append("Photoshop's paths")
    return lost


def data_behind(path: Path) -> list[str]:
    """What stands behind the first picture of a JPEG that no index names; a sentence, or nothing.

    Args:
        path: the file.

    Raises:
        OSError: it can't be read.
    """
    content = path.read_bytes()
    behind = content[_end_of_jpeg(content) :]
    if not behind.strip(_PADDING):
        return []
    if _VIDEO in behind[:_VIDEO_WITHIN]:
        return ["the video behind the picture isn't kept"]
    return [f"{len(behind):,} bytes of other data behind the picture aren't kept"]


def _end_of_jpeg(content: bytes) -> int:
    """Where a JPEG ends (ITU-T T.81, B.1.1); the end of the file where that isn't told."""
    at = 2
    for _ in range(_MOST_MARKERS):
        found = _MARKER.search(content, at)
        if found is None:
            break
        at = found.end()
        if found[0][1] == _EOI:
            return at
        at += int.from_bytes(content[at : at + 2], "big")
    return len(content)
