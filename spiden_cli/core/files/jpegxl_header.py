"""What a JPEG XL codestream says in front of its pixels (ISO/IEC 18181-1, annex D): size, colours.

imagecodecs neither tells the colours of a codestream nor takes any: what it encodes with more than
8 bits, it calls linear light. The field that says so is as long as that of the curve of sRGB.
"""

from dataclasses import dataclass

__all__ = ["LINEAR", "SRGB_CURVE", "Header", "header_of", "with_srgb_curve"]

LINEAR, SRGB_CURVE = 8, 13
"""Transfer functions, by the code points of ITU-T H.273, which JPEG XL uses too."""

_SIDE_BITS = (9, 13, 18, 30)  # of a side, by two bits in front of it
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_ENUM = (0, 1, (2, 4), (18, 6))  # values, or what is added to so many bits
_BITS, _FLOAT_BITS = (8, 10, 12, (1, 6)), (32, 16, 24, (1, 6))
_RGB, _GREY = 0, 1  # colour spaces
_WHITE_D65, _CUSTOM = 1, 2
_SRGB_PRIMARIES, _P3 = 1, 11
_DISPLAY_P3 = 12  # what H.273 calls P3's primaries with the white of D65
_CHANNEL_OF_ALPHA = 0
_LONGEST = 4096  # bytes of a header that are looked at: names of channels may be long
_MOST_CHANNELS = 64


@dataclass(frozen=True)
class Header:
    """The header of a codestream.

    Attributes:
        width: of the picture, as it is stored.
        height: likewise.
        colours: primaries and transfer function, by the code points of H.273; None where they are
            told by an ICC profile, by numbers of their own, or in a way that isn't read here.
        curve_at: where the transfer function stands, in bits from the start; None if it isn't
            written out.
        bits: of a sample, where these are whole numbers; None where it isn't known.
    """

    width: int
    height: int
    colours: tuple[int, int] | None = None
    curve_at: int | None = None
    bits: int | None = None


class _Bits:
    """The bits of a codestream behind its signature, least significant first."""

    def __init__(self, stream: bytes) -> None:
        self._bits, self.at = int.from_bytes(stream[2:_LONGEST], "little"), 0

    def take(self, count: int) -> int:
        self.at += count
        return self._bits >> (self.at - count) & ((1 << count) - 1)

    def choice(self, choices: tuple[int | tuple[int, int], ...]) -> int:
        chosen = choices[self.take(2)]
        return chosen if isinstance(chosen, int) else chosen[0] + self.take(chosen[1])


def header_of(stream: bytes) -> Header:
    """Read the header of a codestream, of which the first 4096 bytes do."""
    bits = _Bits(stream)
    width, height = _size(bits)
    if bits.take(1):  # all as usual
        return Header(width, height, (_SRGB_PRIMARIES, SRGB_CURVE), bits=8)
    if bits.take(1):  # more fields
        bits.take(3)  # orientation
        if bits.take(1):
            _size(bits)  # at which it is to be shown
        if bits.take(2):  # a preview, an animation
            return Header(width, height)
    depth = _depth(bits)
    bits.take(1)
    channels = bits.choice((0, 1, (2, 4), (1, 12)))
    if channels > _MOST_CHANNELS or not all(_skip_channel(bits) for _ in range(channels)):
        return Header(width, height, bits=depth)
    bits.take(1)  # whether the pixels are in XYB: they are decoded into the colours told
    return Header(width, height, *_colours(bits), bits=depth)


def _size(bits: _Bits) -> tuple[int, int]:
    """Width and height."""

    def side(small: int) -> int:
        return 8 * (bits.take(5) + 1) if small else bits.take(_SIDE_BITS[bits.take(2)]) + 1

    small = bits.take(1)
    height, ratio = side(small), bits.take(3)
    if not ratio:
        return side(small), height
    top, bottom = _RATIOS[ratio - 1]
    return height * top // bottom, height


def _depth(bits: _Bits) -> int | None:
    """Bits of a sample that is a whole number; None of floats."""
    if not bits.take(1):
        return bits.choice(_BITS)
    bits.choice(_FLOAT_BITS)
    bits.take(4)
    return None


def _skip_channel(bits: _Bits) -> bool:
    """Pass over an extra channel; False for any but alpha, which may have fields of its own."""
    if bits.take(1):  # 8 bits of alpha
        return True
    kind = bits.choice(_ENUM)
    _depth(bits)
    bits.choice((0, 3, 4, (1, 3)))
    bits.take(8 * bits.choice((0, (0, 4), (16, 5), (48, 10))))  # its name
    bits.take(1)
    return kind == _CHANNEL_OF_ALPHA


def _colours(bits: _Bits) -> tuple[tuple[int, int] | None, int | None]:
    if bits.take(1):
        return (_SRGB_PRIMARIES, SRGB_CURVE), None
    has_profile, space = bits.take(1), bits.choice(_ENUM)
    if has_profile or space not in (_RGB, _GREY):
        return None, None
    white = bits.choice(_ENUM)
    if white == _CUSTOM:
        return None, None
    primaries = bits.choice(_ENUM) if space == _RGB else _SRGB_PRIMARIES
    if primaries == _CUSTOM or bits.take(1):  # an exponent instead of a curve
        return None, None
    at = 16 + bits.at
    curve = bits.choice(_ENUM)
    if white != _WHITE_D65:
        return None, at
    return (_DISPLAY_P3 if primaries == _P3 else primaries, curve), at


def with_srgb_curve(encoded: bytes, start: int) -> bytes:
    """A file whose pixels are said to be linear, saying that they have the curve of sRGB.

    Args:
        encoded: the file.
        start: where its codestream begins, in bytes.
    """
    header = header_of(encoded[start:])
    if header.curve_at is None or header.colours != (_SRGB_PRIMARIES, LINEAR):
        return encoded
    first = start + header.curve_at // 8
    shift = header.curve_at % 8 + 2  # behind the two bits that choose a number of four
    word = int.from_bytes(encoded[first : first + 2], "little")
    word ^= (LINEAR - 2 ^ SRGB_CURVE - 2) << shift
    return encoded[:first] + word.to_bytes(2, "little") + encoded[first + 2 :]
