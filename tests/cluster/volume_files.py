"""An OME-Zarr to be denoised, and what folders hold, here and on storage."""

from pathlib import Path

import numpy as np


def volume(path: Path, shape: tuple[int, ...] = (2, 3, 72, 56)) -> None:
    """Channels, planes and a reduced copy; chunks go over several planes."""
    import zarr

    generator = np.random.default_rng(3)
    values = np.rint(generator.normal(900, 60, shape)).clip(0).astype(np.uint16)
    values[1:] //= 4
    values[0, 2:] = 7  # one value alone
    group = zarr.open_group(str(path), mode="w", zarr_format=3)
    for name, part in (("0", values), ("1", values[..., ::2, ::2])):
        array = group.create_array(name, shape=part.shape, dtype=part.dtype, chunks=(1, 2, 24, 16))
        array[...] = part
    axes = [{"name": axis, "type": "space"} for axis in "czyx"]
    scales = [{"axes": axes, "datasets": [{"path": "0"}, {"path": "1"}], "name": "cells"}]
    group.attrs.update({"ome": {"version": "0.5", "multiscales": scales}})


def contents(folder: str | Path) -> dict[str, bytes]:
    paths = sorted(path for path in Path(folder).rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def objects(system: object, folder: str) -> dict[str, bytes]:
    system.invalidate_cache()
    return {name.removeprefix(f"{folder}/"): system.cat_file(name) for name in system.find(folder)}
