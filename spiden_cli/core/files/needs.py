"""How much memory it takes to read a picture, and to write one, in each format.

Pictures are decoded and encoded whole, by libraries that hold copies of their own. What these take
was measured with noise, which packs worst: `benchmarks/file_memory.py` prints the table, and must
find less than these numbers, and `LIBRARIES` besides.
"""

__all__ = ["LIBRARIES", "to_read", "to_write"]

LIBRARIES = 16 * 2**20
"""Bytes that a library takes for the smallest picture, which count as the program's and not as the
picture's: WebP up to 12 MB, AVIF 5 MB."""

_READING = {"WEBP": 9, "JPEG2000": 10, "AVIF": 8, "HEIF": 8, "JPEGXL": 10}
_DEFAULT_READING = 6
_WRITING = {"WEBP": 16, "JPEG2000": 14, "AVIF": 18, "HEIF": 22, "JPEGXL": 24}
_DEFAULT_WRITING = 4
_HELD = 2  # the noisy picture and the denoised one


def to_read(format: str | None, pixel_bytes: int) -> int:
    """Return the bytes in use for each pixel while a picture is read, and later denoised.

    Args:
        format: as Pillow calls it; None: one of no special needs.
        pixel_bytes: of a decoded pixel, transparency included.
    """
    return pixel_bytes * _READING.get(format or "", _DEFAULT_READING)


def to_write(format: str, pixel_bytes: int, written_bytes: int) -> int:
    """Return the bytes in use for each pixel while a denoised picture is encoded.

    Args:
        format: as Pillow calls it.
        pixel_bytes: of a pixel of the picture, transparency included.
        written_bytes: of a pixel as it is written, perhaps of less depth.
    """
    return _HELD * pixel_bytes + written_bytes * _WRITING.get(format, _DEFAULT_WRITING)
