"""What ImageJ reads of a TIFF: which stacks it can hold, and what its description says."""

import re
from typing import Any

import numpy as np

from spiden_cli.core.files.stacks.layout import Layout
from spiden_cli.core.files.stacks.tiff import TiffSource

__all__ = ["averaged_description", "is_imagej", "words_of"]

_TYPES = ("uint8", "uint16", "float32")
_ORDER = "TZC"


def is_imagej(layout: Layout, dtype: "np.dtype[np.generic]") -> bool:
    """Whether ImageJ can hold it: its types, and T, Z and C in its order."""
    in_order = [axis for axis in _ORDER if axis in layout.lead]
    colours = layout.plane[2] if len(layout.plane) == 3 else 1
    fits = dtype.name in _TYPES and (colours == 1 or (colours == 3 and dtype.itemsize == 1))
    return fits and "".join(in_order) == layout.lead


def averaged_description(description: bytes, layout: Layout) -> bytes:
    """Let ImageJ's description count the planes that are left."""
    lines = re.sub(rb"(?m)^(images|channels|slices|frames)=\d+\n?", b"", description).split(b"\n")
    counts = {"images": layout.count, "channels": layout.length("C"), "slices": layout.length("Z")}
    said = [f"{name}={count}".encode() for name, count in counts.items() if count > 1]
    return b"\n".join([lines[0], *said, *lines[1:]])


def words_of(source: TiffSource) -> dict[str, Any]:
    """What ImageJ is told of a MetaMorph stack, whose own tags point into the old file.

    Returns:
        Entries of its description, and "Info", all that MetaMorph says, as text.
    """
    told = source.tiff.stk_metadata if source.tiff.is_stk else None
    if not told:
        return {}
    lines = [f"{name} = {_listed(value)}" for name, value in told.items()]
    if source.key.description:
        lines.append(source.key.description)
    words: dict[str, Any] = {"Info": "\n".join(lines)}
    across, down = (told.get(f"{axis}Calibration") for axis in "XY")
    if across and down and told.get("CalibrationUnits"):
        words |= {"unit": str(told["CalibrationUnits"]), "resolution": (1 / across, 1 / down)}
    distance = np.abs(np.diff(np.atleast_1d(told.get("ZDistance", 0.0))))
    if "Z" in source.layout.lead and distance.size and distance[0] > 0:
        words["spacing"] = float(distance[0])
    return words


def _listed(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, np.ndarray | tuple) else str(value)
