"""What a file says besides pixels, out of an image that Pillow has opened and decoded."""

import re
import struct
from pathlib import Path

from PIL import ImageFile

from spiden_cli.core.files import exif, gain_map, iptc, xmp
from spiden_cli.core.files.file_head import Head
from spiden_cli.core.files.png_chunks import colour_tags, head_chunks
from spiden_cli.core.files.unkept import data_behind, unkept_parts
from spiden_cli.core.image.metadata import ColourTags, Encoding, Metadata, Subsampling

__all__ = ["colour_tags_of", "encoding_of", "words_of"]

_EXIF_PROFILES = ("Raw profile type exif", "Raw profile type APP1")
_SUBSAMPLINGS: dict[int, Subsampling] = {0: "4:4:4", 1: "4:2:2", 2: "4:2:0"}
_NCLX = re.compile(rb"colrnclx(.{7})", re.DOTALL)


def words_of(path: Path, image: ImageFile.ImageFile, head: Head) -> tuple[int, Metadata, list[str]]:
    """The orientation (1 to 8), the metadata as it is true of upright pixels, and what is lost.

    Damaged metadata is no reason to refuse a picture: a sentence says that it isn't kept.

    Args:
        path: the file.
        image: as Pillow has opened and decoded it.
        head: what stands around its pixels.
    """
    notes: list[str] = []
    texts = _texts(image)
    packet = _xmp(image)
    stated = xmp.orientation_of(packet) if packet else 1
    orientation, block = stated, _exif(image, texts)
    if block is not None:
        try:
            orientation, block = exif.true_of_upright(block, stated)
        except ValueError:
            notes.append(exif.DAMAGED)
            block = None
    gain, more = _behind(path, image, orientation, packet or b"")
    extension = None
    if packet:
        extension = xmp.extension_of(packet, _application_data(image))
        if extension is not None:
            extension = xmp.true_of_upright(extension, orientation >= 5)
        elif xmp.is_extended(packet):
            more = [*more, "the part of its XMP metadata that stands apart (extended) isn't kept"]
        packet = xmp.true_of_upright(packet, orientation >= 5)
        if xmp.names_video(packet):
            more = [*more, "the video of a motion photo isn't kept"]
            packet = xmp.without_video(packet)
        packet = xmp.without_gain_map(packet) if gain is None else packet
        if gain is not None:
            packet = gain_map.with_length(packet, gain[1], len(gain[0]))
    metadata = Metadata(
        exif=block,
        xmp=packet,
        xmp_extension=extension,
        iptc=_iptc(image, texts),
        comment=_comment(image),
        texts=tuple((key, text) for key, text in texts.items() if not _is_profile(key)),
        gain_map=gain[0] if gain else None,
    )
    return orientation, metadata, [*notes, *more, *unkept_parts(image, head)]


def _comment(image: ImageFile.ImageFile) -> str | None:
    """The comment; several of a JPEG, of which Pillow tells the last, become its lines."""
    comment = image.info.get("comment")
    several = [body for name, body in getattr(image, "applist", ()) if name == "COM"]
    if len(several) > 1:
        return "\n".join(map(_text, several)) or None
    return _text(comment) if isinstance(comment, bytes) and comment else comment or None


def _texts(image: ImageFile.ImageFile) -> dict[str, str]:
    if image.format != "PNG":
        return {}
    return {str(key): str(text) for key, text in getattr(image, "text", {}).items()}


def _is_profile(keyword: str) -> bool:
    return keyword in (*_EXIF_PROFILES, iptc.PNG_PROFILE, xmp.PNG_KEYWORD)


def _xmp(image: ImageFile.ImageFile) -> bytes | None:
    packet = image.info.get("xmp") or image.info.get(xmp.PNG_KEYWORD)
    if isinstance(packet, str):
        packet = packet.encode()
    return packet if isinstance(packet, bytes) and packet.strip(b"\0 ") else None


def _application_data(image: ImageFile.ImageFile) -> list[bytes]:
    """The bodies of the application segments of a JPEG."""
    return [body for _, body in getattr(image, "applist", [])]


def _exif(image: ImageFile.ImageFile, texts: dict[str, str]) -> bytes | None:
    block = image.info.get("exif")
    if isinstance(block, bytes):
        return block or None
    for keyword in _EXIF_PROFILES:
        if keyword in texts:
            return _unhexed(texts[keyword])
    return None


def _iptc(image: ImageFile.ImageFile, texts: dict[str, str]) -> bytes | None:
    resources = image.info.get("photoshop")
    if isinstance(resources, dict):
        stream = resources.get(iptc.PHOTOSHOP_RESOURCE)
    else:
        stream = _unhexed(texts[iptc.PNG_PROFILE]) if iptc.PNG_PROFILE in texts else None
        start = (stream or b"").find(b"\x1c")  # behind the head of a Photoshop resource
        stream = stream[start:] if stream and start >= 0 else None
    return iptc.as_stream(stream)


def _unhexed(profile: str) -> bytes | None:
    """The bytes of ImageMagick's profile: its name, its length, and lines of hexadecimal digits."""
    try:
        return bytes.fromhex("".join(profile.split("\n")[3:]))
    except ValueError:
        return None


def _text(words: bytes) -> str:
    try:
        return words.decode().rstrip("\0")
    except UnicodeDecodeError:
        return words.decode("latin-1").rstrip("\0")


def _behind(
    path: Path, image: ImageFile.ImageFile, orientation: int, packet: bytes
) -> tuple[tuple[bytes, int] | None, list[str]]:
    """The gain map, upright, with its length as it was; and a note on other pictures."""
    index = image.info.get("mp")
    listed = image.format in ("JPEG", "MPO") and b"GainMap" in packet
    if not isinstance(index, bytes) and not listed:
        apart = image.format in ("JPEG", "MPO") and not xmp.names_video(packet)
        return None, data_behind(path) if apart else []
    try:
        found, others = None, 0
        with path.open("rb") as stream:
            if isinstance(index, bytes):
                found, others = gain_map.pictures_behind(stream, index, packet)
            elif listed:
                found = gain_map.listed_behind(stream, packet)
        gain = None if found is None else (gain_map.turned(found, orientation), len(found))
    except (struct.error, OSError, SyntaxError):
        return None, ["damaged extra pictures aren't kept"]
    if listed and found is None and not others:
        return None, ["the HDR gain map that its XMP names isn't there"]
    notes = [f"{others} embedded extra picture(s) (MPO) aren't kept"] if others else []
    return gain, notes


def colour_tags_of(image: ImageFile.ImageFile, head: Head) -> ColourTags | None:
    """How the colours are told without an ICC profile; None if they aren't."""
    if image.format == "PNG":
        return colour_tags(head_chunks(head.chunks))
    if image.format == "AVIF" and "icc_profile" not in image.info:
        found = _NCLX.search(head.boxes)  # ISO 14496-12, 12.1.5
        if found:
            primaries, transfer, _ = struct.unpack(">3H", found[1][:6])
            if max(primaries, transfer) < 256 and primaries != 2:  # 2 is unspecified
                return ColourTags(cicp=(primaries, transfer, 0, 1))  # decoded to full-range RGB
    return None


def encoding_of(image: ImageFile.ImageFile, head: Head) -> Encoding | None:
    """How the file was compressed; None where that is not kept."""
    if image.format in ("JPEG", "MPO"):
        from PIL import JpegImagePlugin  # which brings the reader of TIFF

        tables: dict[int, list[int]] = getattr(image, "quantization", {})
        return Encoding(
            "JPEG",
            tables=tuple(tuple(tables[i]) for i in range(len(tables)) if i in tables),
            subsampling=_SUBSAMPLINGS.get(JpegImagePlugin.get_sampling(image)),
            progressive=bool(image.info.get("progressive")),
            stores_rgb=_stores_rgb(image),
        )
    if image.format == "WEBP":
        return Encoding("WEBP", lossless=head.is_lossless)
    if image.format == "AVIF":
        return Encoding("AVIF")
    return None


def _stores_rgb(image: ImageFile.ImageFile) -> bool:
    """Whether a JPEG has no luma and chroma, as libjpeg decides it: by JFIF, Adobe, or its ids."""
    if image.mode != "RGB" or "jfif" in image.info:
        return False
    if "adobe_transform" in image.info:
        return bool(image.info["adobe_transform"] == 0)
    ids = [component[0] for component in getattr(image, "layer", ())]
    return ids == [*b"RGB"]
