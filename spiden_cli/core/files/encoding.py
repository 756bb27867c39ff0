"""What every encoder shares: one `OutputError` for a picture that it refuses."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spiden_cli.core.files.decoding import is_our_own
from spiden_cli.errors import OutputError, SpidenError, is_out_of_memory

__all__ = ["encoding"]


@contextmanager
def encoding(path: Path, name: str) -> Iterator[None]:
    """Run an encoder: whatever it raises leaves as an `OutputError` that names `path`.

    Encoders have limits of their own, which no table has: of words, of values, of sizes. Of many
    pictures, the one that meets them is not to end the work on the others.

    Args:
        path: what is to be written.
        name: the format, as Pillow calls it.

    Raises:
        OutputError: the encoder refuses the picture.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, SpidenError) or is_out_of_memory(error) or is_our_own(error):
            raise
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise OutputError(
            f"can't write {path}: the encoder of {name} refuses this picture ({reason}); choose "
            ".png or .tiff"
        ) from error
