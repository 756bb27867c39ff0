"""What is said about a picture, fitted into what each format can hold, and left out on request.

What a format has no place for goes to the nearest place that it has (a comment becomes PNG's text
"Comment"), and is else named as lost.
"""

from collections.abc import Collection
from dataclasses import replace

from spiden_cli.core.files import xmp
from spiden_cli.core.files.exif import with_description
from spiden_cli.core.image.metadata import Metadata
from spiden_cli.core.image.picture import Picture

__all__ = ["can_hold_exif", "fitted_metadata", "stripped"]

_HOLDS: dict[str, Collection[str]] = {
    "PNG": {"exif", "xmp", "iptc", "texts", "png"},
    "JPEG": {"exif", "xmp", "xmp_extension", "iptc", "comment", "gain_map"},
    "TIFF": {"exif", "xmp", "iptc", "description", "tiff"},
    "WEBP": {"exif", "xmp"},
    "AVIF": {"exif", "xmp"},
    "HEIF": {"exif", "xmp"},
    "JPEGXL": {"exif", "xmp"},
}
_LONGEST = {  # bytes, of one segment of a JPEG
    ("JPEG", "exif"): 65_533,
    ("JPEG", "xmp"): 65_504,
    ("JPEG", "iptc"): 65_000,
    ("JPEG", "comment"): 65_533,
}
_WORDS = {
    "exif": "EXIF metadata",
    "xmp": "XMP metadata",
    "xmp_extension": "the extended XMP metadata",
    "iptc": "IPTC metadata",
    "comment": "the comment",
    "description": "the description",
    "tiff": "what only TIFF says (look-up table, tags of programs)",
    "png": "what only PNG says (background, place on a page, scale, chunks of programs)",
    "gain_map": "the HDR gain map",
}
_KEYWORDS = {"comment": "Comment", "description": "Description"}


def stripped(picture: Picture) -> Picture:
    """The picture without all that is said about it: camera, place, owner, words, previews.

    What its pixels mean stays: colours, look-up table, white level and resolution.
    """
    tiff = picture.metadata.tiff
    shown = None if tiff is None or not tiff.shown_as else replace(tiff, tags=())
    return replace(picture, metadata=Metadata(tiff=shown))


def can_hold_exif(name: str, block: bytes) -> bool:
    """Whether files of a format can hold an EXIF block, and one as large.

    Args:
        name: the format, as Pillow calls it.
        block: the block.
    """
    return "exif" in _HOLDS.get(name, ()) and len(block) <= _LONGEST.get((name, "exif"), len(block))


def fitted_metadata(metadata: Metadata, name: str) -> tuple[Metadata, list[str]]:
    """What a format can hold of `metadata`, and what is lost, one short sentence each.

    Args:
        metadata: of a picture of any format.
        name: the format, as Pillow calls it.
    """
    holds = _HOLDS.get(name, ())
    metadata, lost = _with_xmp_for(name, _moved(metadata, holds), holds)
    kept: dict[str, object] = {}
    for word in _WORDS:
        value = getattr(metadata, word)
        if value is None:
            continue
        if word not in holds:
            lost.append(f"{name} can't hold {_WORDS[word]}: it is dropped")
        elif (name, word) in _LONGEST and len(_encoded(value)) > _LONGEST[name, word]:
            lost.append(f"{name} can't hold this much {_WORDS[word]}: it is dropped")
        else:
            kept[word] = value
    if metadata.texts and "texts" in holds:
        kept["texts"] = metadata.texts
    elif metadata.texts:
        names = ", ".join(dict.fromkeys(keyword for keyword, _ in metadata.texts))
        lost.append(f"{name} can't hold the texts of a PNG: {names} dropped")
    return Metadata(**kept), lost  # type: ignore[arg-type]


def _with_xmp_for(
    name: str, metadata: Metadata, holds: Collection[str]
) -> tuple[Metadata, list[str]]:
    """Join XMP that stands apart to the rest, or part them, as a format has it; tell of losses."""
    packet, extension = metadata.xmp, metadata.xmp_extension
    if packet is None or "xmp" not in holds:
        return replace(metadata, xmp_extension=None), []
    if "xmp_extension" in holds:
        most = _LONGEST[name, "xmp"]
        if extension is None and len(packet) <= most:
            return metadata, []
        parts: tuple[bytes, bytes | None] | None = xmp.extended(packet, extension or b"", most)
    else:
        whole = xmp.joined(packet, extension) if extension else packet
        parts = None if whole is None else (whole, None)
    if parts is not None:
        return replace(metadata, xmp=parts[0], xmp_extension=parts[1]), []
    lost = [f"{name} can't hold {_WORDS['xmp_extension']}: it is dropped"] if extension else []
    return replace(metadata, xmp_extension=None), lost


def _encoded(value: bytes | str) -> bytes:
    return value if isinstance(value, bytes) else value.encode()


def _moved(metadata: Metadata, holds: Collection[str]) -> Metadata:
    """Put a comment, a description and PNG's texts of these names where the format has a place."""
    words = {word: getattr(metadata, word) for word in _KEYWORDS}
    texts = list(metadata.texts)
    if "texts" in holds:
        known = {keyword for keyword, _ in texts}
        for word, keyword in _KEYWORDS.items():
            if words[word] is not None and word not in holds and keyword not in known:
                texts.append((keyword, words[word]))
                words[word] = None
        return replace(metadata, texts=tuple(texts), **words)
    if "exif" in holds and "description" not in holds and words["description"] is not None:
        described = with_description(metadata.exif, words["description"])
        metadata, words["description"] = replace(metadata, exif=described), None
    place = next((word for word in ("description", "comment") if word in holds), None)
    if place is None:
        return replace(metadata, **words)
    for word, keyword in _KEYWORDS.items():
        own = next((text for key, text in texts if key == keyword), None)
        if own is not None and words[place] in (None, own):
            words[place] = own
            texts.remove((keyword, own))
        elif word != place and words[word] is not None and words[place] in (None, words[word]):
            words[place], words[word] = words[word], None
    return replace(metadata, texts=tuple(texts), **words)
