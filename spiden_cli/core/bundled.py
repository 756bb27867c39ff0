"""What ships with spiden: weights by name, and one sample picture."""

from importlib.resources import files
from pathlib import Path

from spiden_cli.errors import WeightsError

DEFAULT_MODEL = "base"
DEFAULT_COLOUR_MODEL = "base-colour"
DEFAULT_PHOTO_MODEL = "photo"
SUFFIX = ".safetensors"

_PACKAGE = Path(str(files("spiden_cli")))
_FOLDERS = (_PACKAGE / "weights", _PACKAGE.parent / "weights")  # in a wheel; in a checkout


def model_names() -> list[str]:
    """Return the names of the bundled weights."""
    return sorted(path.stem for folder in _FOLDERS for path in folder.glob(f"*{SUFFIX}"))


def find_weights(name_or_path: str) -> Path:
    """Return the weights file that a user means.

    Args:
        name_or_path: the name of bundled weights, such as "base"; or a file.

    Raises:
        WeightsError: there is neither; the message lists the names.
    """
    if "/" not in name_or_path and not name_or_path.endswith(SUFFIX):
        for folder in _FOLDERS:
            if (folder / f"{name_or_path}{SUFFIX}").is_file():
                return folder / f"{name_or_path}{SUFFIX}"
    path = Path(name_or_path)
    if path.is_file():
        return path
    names = ", ".join(model_names()) or "none"
    raise WeightsError(f"no weights {name_or_path!r}: give a file, or a bundled name ({names})")


def model_for(colour: bool, coarse: bool = False) -> str:
    """Return the name of the model that is best for a kind of picture.

    Args:
        colour: whether it is in colour.
        coarse: whether its noise is a camera's; in grey pictures no model makes a difference.
    """
    if not colour:
        return DEFAULT_MODEL
    return DEFAULT_PHOTO_MODEL if coarse else DEFAULT_COLOUR_MODEL


def sample_picture() -> Path:
    """Return a clean colour photograph to try things on; its origin is in the folder's README."""
    return _PACKAGE / "samples" / "coffee.png"
