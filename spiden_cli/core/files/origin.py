"""Which pictures spiden made: it names itself in a file where programs do, and finds that again.

The place is Software: a text of PNG, and a tag of EXIF and TIFF. A program that was named there
before stays, in front. BMP, JPEG 2000, PNM and TGA have no such place.
"""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from PIL import ExifTags, Image, PngImagePlugin

from spiden_cli.core.files.decoding import decoding
from spiden_cli.core.files.exif import with_software
from spiden_cli.core.files.exif_tiff import UNREADABLE
from spiden_cli.core.files.metadata import can_hold_exif
from spiden_cli.core.files.pillow_writer import can_write_avif
from spiden_cli.core.image.picture import Picture
from spiden_cli.core.regular_file import check_regular
from spiden_cli.errors import InputError
from spiden_cli.version import __version__

__all__ = ["SOFTWARE", "drawn_by_spiden", "made_by_spiden", "signed"]

_PROGRAM = "spiden"
SOFTWARE = f"{_PROGRAM} {__version__}"
"""What files say of the program that made them."""

_KEYWORD = "Software"
_FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "AVIF")


def signed(picture: Picture, name: str) -> Picture:
    """The picture as it is to be written, with Software in the metadata.

    Args:
        picture: that was denoised.
        name: of the format that it is written in, as Pillow calls it.
    """
    metadata = picture.metadata
    said = [text for keyword, text in metadata.texts if keyword == _KEYWORD]
    others = tuple(text for text in metadata.texts if text[0] != _KEYWORD)
    if name == "PNG":
        names = said if any(_PROGRAM in text for text in said) else [*said, SOFTWARE]
        texts = (*others, (_KEYWORD, "; ".join(names)))
        return replace(picture, metadata=replace(metadata, texts=texts))
    if all(text.startswith(_PROGRAM) for text in said):  # of an earlier result
        metadata = replace(metadata, texts=others)
    with suppress(*UNREADABLE):  # a damaged block stays as it is
        block = with_software(metadata.exif, SOFTWARE)
        if can_hold_exif(name, block):
            metadata = replace(metadata, exif=block)
    return replace(picture, metadata=metadata)


def _known() -> list[str]:
    return [name for name in _FORMATS if name != "AVIF" or can_write_avif()]


def drawn_by_spiden() -> PngImagePlugin.PngInfo:
    """The text by which a drawing in PNG is known as spiden's own."""
    words = PngImagePlugin.PngInfo()
    words.add_text(_KEYWORD, SOFTWARE)
    return words


def made_by_spiden(path: Path) -> bool | None:
    """Return whether a picture says that spiden made it; its pixels aren't decoded.

    Returns:
        None where a file of its format can't say, or isn't one that can be read.
    """
    try:
        check_regular(path)
        with decoding(path), Image.open(path, formats=_known()) as image:
            if isinstance(image, PngImagePlugin.PngImageFile):
                said = image.info.get(_KEYWORD)
            elif image.format == "TIFF":
                said = image.tag_v2.get(ExifTags.Base.Software)  # type: ignore[attr-defined]
            else:
                said = image.getexif().get(ExifTags.Base.Software)
    except (InputError, OSError):
        return None
    return _PROGRAM in str(said or "")
