"""What is said about a picture: kept where the format can hold it, true, named where it is lost."""

import hashlib
import io
import re
import struct
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import tifffile
from PIL import ExifTags, Image, PngImagePlugin

from spiden_cli.core.files import decoding, exif, iptc, pillow_reader, xmp
from spiden_cli.core.files.origin import signed
from spiden_cli.core.files.picture_files import (
    losses,
    output_format,
    read_picture,
    stripped,
    write_picture,
)
from spiden_cli.core.image.metadata import Metadata
from spiden_cli.core.image.picture import Picture
from spiden_cli.errors import InputError

CASES = Path(__file__).resolve().parents[4] / "shared" / "cases" / "photographs"
PACKET = (
    b'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b'<rdf:Description tiff:Orientation="6" exif:PixelXDimension="37" exif:PixelYDimension="31">'
    b"<xmp:Thumbnails><rdf:Alt>/9j/old</rdf:Alt></xmp:Thumbnails>"
    b'<dc:title>Ein Boot, Z\xc3\xbcrich</dc:title></rdf:Description></x:xmpmeta><?xpacket end="w"?>'
)
IPTC = b"\x1c\x02\x00\x00\x02\x00\x04\x1c\x02\x78\x00\x0eA boat at dawn"


def tiff_block(order: str = "<", orientation: int = 6) -> bytes:
    """An EXIF block as cameras write it: interoperability, maker note, thumbnail, raw UTF-8."""
    data, at = b"", 8

    def entry(tag: int, kind: int, content: bytes, count: int | None = None) -> bytes:
        nonlocal data
        size = {2: 1, 7: 1, 3: 2, 4: 4, 5: 8}[kind]
        count = len(content) // size if count is None else count
        if len(content) <= 4:
            return struct.pack(order + "HHI", tag, kind, count) + content.ljust(4, b"\0")
        place = struct.pack(order + "HHII", tag, kind, count, 1000 + len(data))
        data += content + bytes(len(content) % 2)
        return place

    short, long = (lambda v: struct.pack(order + "H", v)), (lambda v: struct.pack(order + "I", v))
    inter = [entry(1, 2, b"R03\0"), entry(2, 7, b"0100")]
    camera = [entry(0x829A, 5, long(1) + long(100)), entry(0x927C, 7, b"maker note at 1234" * 3)]
    camera += [entry(0xA002, 4, long(37)), entry(0xA003, 4, long(31)), entry(0xA005, 4, long(700))]
    main = [entry(0x010F, 2, "Kamera Zürich\0".encode()), entry(0x0112, 3, short(orientation))]
    main += [entry(0x8769, 4, long(500))]
    thumb = b"\xff\xd8 an old thumbnail \xff\xd9"
    second = [entry(0x0103, 3, short(6)), entry(0x0201, 4, long(900)), entry(0x0202, 4, long(24))]
    block = bytearray(1000 + len(data))
    for place, entries, behind in ((at, main, 800), (500, camera, 0), (700, inter, 0),
                                   (800, second, 0)):  # fmt: skip
        content = short(len(entries)) + b"".join(entries) + long(behind)
        block[place : place + len(content)] = content
    block[900 : 900 + len(thumb)] = thumb
    block[1000:] = data
    block[:8] = (b"II*\0" if order == "<" else b"MM\0*") + long(8)
    return b"Exif\0\0" + bytes(block)


@pytest.fixture
def photo(tmp_path, colour_pixels) -> Path:
    """A JPEG with all that a camera and an archive say."""
    segments = _segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + PACKET)
    resource = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(IPTC)) + IPTC + bytes(len(IPTC) % 2)
    segments += _segment(0xED, b"Photoshop 3.0\0" + resource)
    options = {"exif": tiff_block(), "comment": "scanned by the archive", "extra": segments}
    Image.fromarray(colour_pixels).save(tmp_path / "photo.jpg", **options)
    return tmp_path / "photo.jpg"


def _segment(marker: int, body: bytes) -> bytes:
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(body) + 2) + body


# --- EXIF --------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["<", ">"])
def test_block_is_edited_in_place_and_nothing_else_in_it_moves(order):
    before = tiff_block(order)
    orientation, after = exif.true_of_upright(before)
    assert orientation == 6
    assert len(after) == len(before)
    changed = np.flatnonzero(np.frombuffer(before, "u1") != np.frombuffer(after, "u1"))
    # The orientation, the swapped sizes, the link to the thumbnail, and the thumbnail.
    assert len(changed) < 4 + 8 + 4 + 2 + 36 + 4 + 24
    assert b"maker note at 1234" in after
    assert b"old thumbnail" not in after
    tags = Image.Exif()
    tags.load(after)
    assert tags[ExifTags.Base.Orientation] == 1
    camera = tags.get_ifd(ExifTags.IFD.Exif)
    assert (camera[0xA002], camera[0xA003]) == (31, 37)
    assert tags.get_ifd(ExifTags.IFD.Interop)[1].rstrip("\0") == "R03"
    assert tags.get_ifd(ExifTags.IFD.IFD1) == {}


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_interoperability_and_text_of_any_script_are_kept(tmp_path, photo, suffix):
    write_picture(tmp_path / f"y{suffix}", read_picture(photo))
    after = read_picture(tmp_path / f"y{suffix}").metadata.exif
    assert "Kamera Zürich".encode() in after
    tags = Image.Exif()
    tags.load(after)
    assert tags.get_ifd(ExifTags.IFD.Interop)[1].rstrip("\0") == "R03"


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".avif", ".jxl"])
def test_offsets_within_maker_notes_still_point_to_what_they_did(tmp_path, photo, suffix):
    before = read_picture(photo).metadata.exif
    target = tmp_path / f"y{suffix}"
    write_picture(target, signed(read_picture(photo), output_format(target)))
    after = read_picture(target).metadata.exif
    assert (b"spiden" in after) == (suffix != ".png")  # which has a text for it
    assert exif.true_of_upright(after) == (1, after)
    assert after.index(b"maker note at 1234") == before.index(b"maker note at 1234")


def test_maker_notes_are_the_same_bytes_in_a_tiff(tmp_path, photo):
    write_picture(tmp_path / "y.tif", signed(read_picture(photo), "TIFF"))
    write_picture(tmp_path / "z.tif", read_picture(tmp_path / "y.tif"))
    for name in ("y.tif", "z.tif"):
        with Image.open(tmp_path / name) as image:
            camera = image.getexif().get_ifd(ExifTags.IFD.Exif)
        assert camera[0x927C] == b"maker note at 1234" * 3


def test_interoperability_survives_a_tiff(tmp_path, photo):
    write_picture(tmp_path / "y.tif", read_picture(photo))
    write_picture(tmp_path / "z.jpg", read_picture(tmp_path / "y.tif"))
    with Image.open(tmp_path / "z.jpg") as image:
        tags = image.getexif()
        assert tags.get_ifd(ExifTags.IFD.Interop)[1].rstrip("\0") == "R03"
        assert tags[ExifTags.Base.Make].encode("latin-1") == "Kamera Zürich".encode()
        assert tags.get_ifd(ExifTags.IFD.Exif)[0x927C] == b"maker note at 1234" * 3


@pytest.mark.parametrize("cut", range(0, 1100, 13))
def test_cut_off_block_is_damaged_or_read_but_no_fault(cut):
    try:
        orientation, _ = exif.true_of_upright(tiff_block()[:cut])
    except ValueError:
        return
    assert orientation in (1, 6)


def test_our_own_mistake_is_not_called_damage_of_the_file(photo, monkeypatch):
    monkeypatch.setattr(pillow_reader, "features", None)
    with pytest.raises(AttributeError, match="check_module"):
        read_picture(photo)


def test_description_is_added_to_a_block_without_moving_it():
    before = exif.true_of_upright(tiff_block())[1]
    after = exif.with_description(before, "Ein Boot, Zürich")
    assert after[14 : len(before)] == before[14:]  # but for the place of the first directory
    tags = Image.Exif()
    tags.load(after)
    assert tags[ExifTags.Base.ImageDescription].encode("latin-1") == "Ein Boot, Zürich".encode()
    assert tags.get_ifd(ExifTags.IFD.Exif)[0x829A] == pytest.approx(0.01)


# --- XMP, IPTC, comments, texts ----------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_xmp_is_kept_and_true(tmp_path, photo, suffix):
    write_picture(tmp_path / f"y{suffix}", read_picture(photo))
    packet = read_picture(tmp_path / f"y{suffix}").metadata.xmp
    assert b'tiff:Orientation="1"' in packet
    assert b'exif:PixelYDimension="37" exif:PixelXDimension="31"' in packet
    assert b"Z\xc3\xbcrich" in packet
    assert b"Thumbnails" not in packet


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_iptc_is_kept(tmp_path, photo, suffix):
    write_picture(tmp_path / f"y{suffix}", read_picture(photo))
    assert read_picture(tmp_path / f"y{suffix}").metadata.iptc == IPTC


def test_comment_finds_the_nearest_place(tmp_path, photo):
    words = "scanned by the archive"
    for name in ("y.jpg", "y.png", "y.tif"):
        write_picture(tmp_path / name, read_picture(photo))
    assert read_picture(tmp_path / "y.jpg").metadata.comment == words
    assert ("Comment", words) in read_picture(tmp_path / "y.png").metadata.texts
    assert read_picture(tmp_path / "y.tif").metadata.description == words


def test_texts_of_a_png_are_kept(tmp_path, colour_pixels):
    info = PngImagePlugin.PngInfo()
    info.add_text("Software", "Kamera 1.0")
    info.add_itxt("Title", "Ein Boot in 東京")
    info.add_text("Comment", "words " * 1000, zip=True)
    Image.fromarray(colour_pixels).save(tmp_path / "x.png", pnginfo=info)
    before = read_picture(tmp_path / "x.png")
    for depth, name in ((8, "y.png"), (16, "z.png")):
        pixels = before.pixels.astype(f"u{depth // 8}")
        write_picture(tmp_path / name, replace(before, pixels=pixels))
        assert read_picture(tmp_path / name).metadata.texts == before.metadata.texts
    assert "Software, Title dropped" in losses("y.jpg", before)[0]
    write_picture(tmp_path / "y.jpg", before)
    assert read_picture(tmp_path / "y.jpg").metadata.comment == "words " * 1000


def test_what_a_format_cannot_hold_is_named(photo):
    picture = read_picture(photo)
    assert losses("y.jpg", picture) == losses("y.png", picture) == losses("y.tif", picture) == ()
    assert [line.split("hold ")[1] for line in losses("y.webp", picture)] == [
        "IPTC metadata: it is dropped",
        "the comment: it is dropped",
    ]
    assert len(losses("y.bmp", picture)) == 4


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
def test_stripped_says_nothing_of_camera_owner_or_place(tmp_path, photo, suffix):
    picture = stripped(read_picture(photo))
    assert picture.metadata == Metadata()
    write_picture(tmp_path / f"y{suffix}", picture)
    content = (tmp_path / f"y{suffix}").read_bytes()
    for word in (b"Kamera", b"archive", b"boat", b"Boot"):
        assert word not in content


def test_too_much_for_a_segment_is_named_and_left_out(tmp_path, colour_pixels):
    words = Metadata(xmp=b"<x:xmpmeta>" + b"x" * 70_000, comment="y" * 70_000)
    picture = Picture(colour_pixels, metadata=words)
    assert [line.split("much ")[1] for line in losses("y.jpg", picture)] == [
        "XMP metadata: it is dropped",
        "the comment: it is dropped",
    ]
    write_picture(tmp_path / "y.jpg", picture)
    assert read_picture(tmp_path / "y.jpg").metadata == Metadata()


@pytest.mark.parametrize("part", [b"<xmp:Thumbnails", b"<Container:Directory", b"tiff:Orientation"])
def test_hostile_packet_costs_no_more_than_its_length(part):
    packet = part * 200_000
    assert xmp.without_gain_map(xmp.true_of_upright(packet, True))


# --- pictures behind the picture ---------------------------------------------------------------


def ultra_hdr(pixels: np.ndarray, orientation: int = 1) -> bytes:
    """A JPEG with a gain map behind it, as Ultra HDR 1.1 describes."""
    gain = io.BytesIO()
    mark = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta hdrgm:Version='1.0' hdrgm:GainMapMax='2'/>"
    grey = Image.fromarray(pixels[::2, ::2, 1])
    grey.save(gain, "JPEG", quality=95, extra=_segment(0xE1, mark))
    length = len(gain.getvalue())
    packet = (
        b'<x:xmpmeta hdrgm:Version="1.0"><Container:Directory><Container:Item Item:Length="%d"/>'
        b"</Container:Directory></x:xmpmeta>" % length
    )
    first = io.BytesIO()
    tags = Image.Exif()
    tags[ExifTags.Base.Orientation] = orientation
    words = _segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + packet)
    Image.fromarray(pixels).save(first, "JPEG", exif=tags, extra=words)
    from spiden_cli.core.files.gain_map import attached

    return attached(first.getvalue(), gain.getvalue())


@pytest.mark.parametrize("orientation", [1, 6])
def test_gain_map_is_kept_and_turned_with_its_picture(tmp_path, colour_pixels, orientation):
    pixels = np.tile(colour_pixels, (2, 2, 1))
    (tmp_path / "x.jpg").write_bytes(ultra_hdr(pixels, orientation))
    picture = read_picture(tmp_path / "x.jpg")
    assert picture.told == ()
    write_picture(tmp_path / "y.jpg", picture)
    after = read_picture(tmp_path / "y.jpg")
    with Image.open(io.BytesIO(after.metadata.gain_map)) as gain:
        assert gain.size == ((37, 31) if orientation == 1 else (31, 37))
        assert b"hdrgm:GainMapMax" in gain.info["xmp"]
    assert b'Item:Length="%d"' % len(after.metadata.gain_map) in after.metadata.xmp
    assert (tmp_path / "y.jpg").read_bytes().endswith(after.metadata.gain_map)


_CAMERA = "http://ns.google.com/photos/1.0/camera/"


def _listed(pixels: np.ndarray, behind: dict[str, bytes], orientation: int = 1) -> bytes:
    """A JPEG whose XMP alone tells what stands behind it: no index, as older phones write it."""
    items = "".join(
        f'<rdf:li rdf:parseType="Resource"><Container:Item Item:Semantic="{meaning}" '
        f'Item:Length="{len(content)}"/></rdf:li>'
        for meaning, content in behind.items()
    )
    video = 'GCamera:MotionPhoto="1" GCamera:MotionPhotoVersion="1"' * ("MotionPhoto" in behind)
    packet = (
        '<x:xmpmeta><rdf:RDF><rdf:Description hdrgm:Version="1.0" '
        f'xmlns:GCamera="{_CAMERA}" {video}><Container:Directory><rdf:Seq><rdf:li '
        'rdf:parseType="Resource"><Container:Item Item:Semantic="Primary"/></rdf:li>'
        f"{items}</rdf:Seq></Container:Directory></rdf:Description></rdf:RDF></x:xmpmeta>"
    )
    tags = Image.Exif()
    tags[ExifTags.Base.Orientation] = orientation
    first = io.BytesIO()
    Image.fromarray(pixels).save(first, "JPEG", exif=tags, xmp=packet.encode())
    return first.getvalue() + b"".join(behind.values())


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("video", [False, True])
def test_gain_map_without_an_index_is_kept(tmp_path, colour_pixels, orientation, video):
    gain = io.BytesIO()
    Image.fromarray(colour_pixels[::2, ::2, 1]).save(gain, "JPEG", quality=95)
    behind = {"GainMap": gain.getvalue()} | ({"MotionPhoto": b"mp4" * 99} if video else {})
    (tmp_path / "x.jpg").write_bytes(_listed(colour_pixels, behind, orientation))
    picture = read_picture(tmp_path / "x.jpg")
    assert picture.lost == (("the video of a motion photo isn't kept",) if video else ())
    write_picture(tmp_path / "y.jpg", picture)
    with Image.open(tmp_path / "y.jpg") as written:
        packet = written.info["xmp"]
    (length,) = re.findall(rb'"GainMap" Item:Length="(\d+)"', packet)
    with Image.open(io.BytesIO((tmp_path / "y.jpg").read_bytes()[-int(length) :])) as kept:
        assert kept.size == ((19, 16) if orientation == 1 else (16, 19))
    assert b"Motion" not in packet
    assert read_picture(tmp_path / "y.jpg").told == ()


def test_video_of_a_motion_photo_is_named_and_no_longer_spoken_of(tmp_path, colour_pixels):
    (tmp_path / "x.jpg").write_bytes(_listed(colour_pixels, {"MotionPhoto": b"mp4" * 99}))
    picture = read_picture(tmp_path / "x.jpg")
    assert picture.lost == ("the video of a motion photo isn't kept",)
    assert b"Motion" not in picture.metadata.xmp


@pytest.mark.parametrize("length", [5, 10**6])
def test_gain_map_that_is_not_there_is_told(tmp_path, colour_pixels, length):
    content = _listed(colour_pixels, {"GainMap": b"x" * length})[: -length + 3]
    (tmp_path / "x.jpg").write_bytes(content)
    picture = read_picture(tmp_path / "x.jpg")
    assert len(picture.lost) == 1
    assert b"GainMap" not in picture.metadata.xmp


def test_resolution_is_that_of_the_file_alone(tmp_path, colour_pixels):
    tags = Image.Exif()
    tags[ExifTags.Base.Orientation] = 6
    image = Image.fromarray(colour_pixels)
    image.save(tmp_path / "x.jpg", exif=tags)
    assert read_picture(tmp_path / "x.jpg").resolution is None
    image.save(tmp_path / "y.jpg", exif=tags, dpi=(300, 200))
    turned = read_picture(tmp_path / "y.jpg").resolution
    assert turned.dots_per_inch == (200, 300)
    tags[ExifTags.Base.XResolution] = tags[ExifTags.Base.YResolution] = 240.0
    tags[ExifTags.Base.ResolutionUnit] = 2
    image.save(tmp_path / "z.jpg", exif=tags)
    assert read_picture(tmp_path / "z.jpg").resolution.dots_per_inch == (240, 240)


def test_lost_gain_map_is_named_and_no_longer_spoken_of(tmp_path, colour_pixels):
    (tmp_path / "x.jpg").write_bytes(ultra_hdr(colour_pixels))
    picture = read_picture(tmp_path / "x.jpg")
    assert losses("y.png", picture) == ("PNG can't hold the HDR gain map: it is dropped",)
    write_picture(tmp_path / "y.png", picture)
    packet = read_picture(tmp_path / "y.png").metadata.xmp
    assert b"hdrgm" not in packet
    assert b"Directory" not in packet


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("comment_only.jpg", {"comment"}),
        ("iptc_only.jpg", {"iptc"}),
        ("interop_exif_lost.jpg", {"exif", "xmp", "iptc", "comment"}),
    ],
)
def test_files_that_lost_their_words(tmp_path, name, words):
    if not (CASES / name).is_file():
        pytest.skip(f"no {CASES / name}")
    before = read_picture(CASES / name)
    assert before.told == ()
    write_picture(tmp_path / "y.jpg", before)
    after = read_picture(tmp_path / "y.jpg").metadata
    assert {word for word, value in vars(after).items() if value} == words
    assert after == before.metadata


def test_long_texts_of_a_png_stay_readable(tmp_path, colour_pixels, monkeypatch):
    words = PngImagePlugin.PngInfo()
    words.add_text("Comment", "a" * 1_200_000, zip=True)
    words.add_itxt("History", "ü" * 900_000)
    Image.fromarray(colour_pixels).save(tmp_path / "x.png", pnginfo=words)
    picture = read_picture(tmp_path / "x.png")
    write_picture(tmp_path / "y.png", picture)
    assert read_picture(tmp_path / "y.png").metadata == picture.metadata
    with Image.open(tmp_path / "y.png") as image:  # by any program with Pillow
        assert {key: len(text) for key, text in image.text.items()} == {
            "Comment": 1_200_000, "History": 900_000,
        }  # fmt: skip
    monkeypatch.setattr(decoding, "_MOST_TEXT", 2_000_000)
    words.add_text("Bomb", "a" * 2_000_001, zip=True)
    Image.fromarray(colour_pixels).save(tmp_path / "x.png", pnginfo=words)
    with pytest.raises(InputError, match="texts"):
        read_picture(tmp_path / "x.png")


@pytest.mark.parametrize(
    "form",
    [
        b' xmpNote:HasExtendedXMP="%s"/>',
        b"><xmpNote:HasExtendedXMP>%s</xmpNote:HasExtendedXMP></a>",
    ],
)
def test_the_part_of_a_packet_in_other_segments_is_named_and_not_pointed_to(tmp_path, form):
    packet = b'<x:xmpmeta><a dc:rights="mine"' + form % (b"0A" * 16) + b"</x:xmpmeta>"
    path, back = tmp_path / "x.jpg", tmp_path / "y.jpg"
    Image.new("RGB", (32, 32)).save(path, xmp=packet)
    picture = read_picture(path)
    assert any("extended" in note and note.endswith("isn't kept") for note in picture.lost)
    write_picture(back, picture)
    assert b"HasExtendedXMP" not in back.read_bytes()
    assert b'dc:rights="mine"' in back.read_bytes()
    assert read_picture(back).told == ()


_RDF = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"%s>%s</rdf:RDF></x:xmpmeta>'
)


def extended_jpeg(path: Path, rest: bytes, order: int = 1, orientation: int = 1) -> None:
    """A JPEG as ISO 16684-3 has it, its portions in any order."""
    digest = hashlib.md5(rest).hexdigest().upper().encode()
    head = b"http://ns.adobe.com/xmp/extension/\0" + digest + struct.pack(">I", len(rest))
    packet = _RDF % (
        b"",
        b'<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" dc:format="a"'
        b' xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="%d"'
        b' xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="%s"/>'
        % (orientation, digest),
    )
    segments = [
        head + struct.pack(">I", at) + rest[at : at + 65_000] for at in range(0, len(rest), 65_000)
    ]
    extra = b"".join(
        b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body for body in segments[::order]
    )
    Image.new("RGB", (48, 32), "teal").save(path, xmp=packet, extra=extra)


def joined_by_the_standard(path: Path) -> tuple[bytes, bytes | None]:
    """Packet and extension as the standard says to read them, the digest checked."""
    with Image.open(path) as image:
        bodies = [body for _, body in image.applist]
        packet = image.info["xmp"]
    named = re.search(rb'HasExtendedXMP="(\w{32})"', packet)
    if named is None:
        return packet, None
    start = b"http://ns.adobe.com/xmp/extension/\0" + named[1]
    found = [body[len(start) :] for body in bodies if body.startswith(start)]
    rest = bytearray(struct.unpack(">I", found[0][:4])[0])
    for portion in found:
        at = struct.unpack(">I", portion[4:8])[0]
        rest[at : at + len(portion) - 8] = portion[8:]
    assert hashlib.md5(rest).hexdigest().upper().encode() == named[1]
    assert sum(len(portion) - 8 for portion in found) == len(rest)
    return packet, bytes(rest)


_LONG = _RDF % (
    b' xmlns:my="urn:my"',
    b'<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" my:long="'
    + b"0123456789" * 14_000
    + b'"><xmp:Thumbnails>stale</xmp:Thumbnails></rdf:Description>',
)


@pytest.mark.parametrize("order", [1, -1])
def test_a_long_packet_of_a_jpeg_is_kept_in_every_format_that_holds_xmp(tmp_path, order):
    path = tmp_path / "x.jpg"
    extended_jpeg(path, _LONG, order, orientation=6)
    picture = read_picture(path)
    assert picture.told == ()
    assert not losses("y.jpg", picture)
    write_picture(tmp_path / "y.jpg", picture)
    packet, rest = joined_by_the_standard(tmp_path / "y.jpg")
    assert b'tiff:Orientation="1"' in packet
    assert rest == _LONG.replace(b"<xmp:Thumbnails>stale</xmp:Thumbnails>", b"")
    again = read_picture(tmp_path / "y.jpg")
    assert again.metadata.xmp_extension == picture.metadata.xmp_extension
    for suffix in (".png", ".tif", ".webp"):
        assert not losses(f"y{suffix}", picture)
        write_picture(tmp_path / f"y{suffix}", picture)
        whole = read_picture(tmp_path / f"y{suffix}").metadata.xmp
        assert whole is not None
        descriptions = ElementTree.fromstring(whole)[0]  # one packet, and well formed
        assert [len(one.get("{urn:my}long", "")) for one in descriptions] == [0, 140_000]
    write_picture(tmp_path / "back.jpg", read_picture(tmp_path / "y.png"))
    _, rest = joined_by_the_standard(tmp_path / "back.jpg")
    assert rest is not None
    assert len(ElementTree.fromstring(rest)[0]) == 2
    assert ElementTree.fromstring(rest)[0][1].get("{urn:my}long") == "0123456789" * 14_000


@pytest.mark.parametrize("missing", ["portion", "rdf"])
def test_a_long_packet_that_is_damaged_is_named(tmp_path, missing):
    path = tmp_path / "x.jpg"
    extended_jpeg(path, _LONG if missing == "portion" else b"no RDF" * 20_000)
    if missing == "portion":
        data = path.read_bytes()
        at = data.index(b"http://ns.adobe.com/xmp/extension/") - 4
        length = int.from_bytes(data[at + 2 : at + 4], "big") + 2
        path.write_bytes(data[:at] + data[at + length :])
    picture = read_picture(path)
    said = [*picture.told, *losses("y.png", picture)]
    assert len(said) == 1
    assert "extended" in said[0]
    write_picture(tmp_path / "y.png", picture)
    assert b"dc:format" in (read_picture(tmp_path / "y.png").metadata.xmp or b"")


WINDOWS = {
    269: "Scan 7", 285: "Page 3", 316: "A computer", 18246: 4, 18249: 75,
    40091: "Title".encode("utf-16le") + bytes(2), 40094: "a;b".encode("utf-16le") + bytes(2),
    50341: b"PrintIM\x000300",
}  # fmt: skip
"""What EXIF has in its first directory besides the camera and its owner."""


def test_ratings_titles_and_keywords_of_windows_go_to_tiff_and_back(tmp_path, colour_pixels):
    exif = Image.Exif()
    for tag, value in WINDOWS.items():
        exif[tag] = value
    Image.fromarray(colour_pixels).save(tmp_path / "a.jpg", exif=exif)
    for source, target in (("a.jpg", "b.tif"), ("b.tif", "c.tif"), ("c.tif", "d.jpg")):
        picture = read_picture(tmp_path / source)
        assert (picture.lost, losses(target, picture)) == ((), ())
        write_picture(tmp_path / target, picture)
        with Image.open(tmp_path / target) as image:
            told = image.getexif()
            assert {tag: told.get(tag) for tag in WINDOWS} == WINDOWS
    with tifffile.TiffFile(tmp_path / "c.tif") as tiff:
        codes = [tag.code for tag in tiff.pages.first.tags.values()]
    assert len(codes) == len(set(codes))


def test_photoshops_resources_in_a_tiff_give_their_iptc_and_the_rest_is_named(
    tmp_path, grey_pixels
):
    stream = b"\x1c\x02\x78\0\5Hello"
    path = b"8BIM" + struct.pack(">H", 2000) + b"\5Patha" + struct.pack(">I", 4) + bytes(4)
    block = path + iptc.as_resource(stream)
    told = [(34377, 1, len(block), block, True), (52545, 7, 4, b"jumb", True)]
    tifffile.imwrite(tmp_path / "x.tif", grey_pixels, extratags=told, software=False)
    picture = read_picture(tmp_path / "x.tif")
    assert picture.metadata.iptc == stream
    assert picture.lost == (
        "Photoshop's paths aren't kept",
        "content credentials (C2PA) aren't kept",
    )
    write_picture(tmp_path / "y.tif", picture)
    after = read_picture(tmp_path / "y.tif")
    assert (after.metadata.iptc, after.lost) == (stream, ())
