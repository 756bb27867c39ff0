"""An OME-Zarr denoised chunk by chunk: apart along its chunks, and put together to the bit."""

import numpy as np
import pytest
from volume_files import contents, volume

from spiden_cli.core.files.stacks.layout import layout_of

pytest.importorskip("distributed", reason="spiden[dask] isn't installed")
pytest.importorskip("zarr", reason="spiden[science] isn't installed: no OME-Zarr is tested")


def test_a_volume_is_the_same_to_the_bit_though_a_worker_is_lost(
    spiden, tmp_path, monkeypatch, small_weights, scheduler, killing
):
    monkeypatch.chdir(tmp_path)
    volume(tmp_path / "cells.ome.zarr")
    options = ("denoise", "cells.ome.zarr", "-m", small_weights)
    alone = spiden(*options, "-o", "here.ome.zarr")
    assert alone.code == 0, alone.stderr
    monkeypatch.setattr("spiden_cli.cluster.volumes.TILE", 24)  # the planes are larger
    with killing(lambda: any(tmp_path.glob(".spiden-*/*/0/c/*"))):
        there = spiden(*options, "-o", "there.ome.zarr", "--scheduler", scheduler)
    assert there.code == 0, there.stderr
    assert contents(tmp_path / "there.ome.zarr") == contents(tmp_path / "here.ome.zarr")

    def told(text: str) -> list[str]:
        return [line for line in text.splitlines() if not line.startswith(("time", "written"))]

    assert told(there.stdout) == told(alone.stdout)
    assert "1 planes hold one value alone" in there.stderr
    refused = spiden(*options, "-o", "there.ome.zarr", "--scheduler", scheduler)
    assert refused.code == 6


@pytest.mark.parametrize("chunks", [(1, 1, 16, 16), (1, 3, 30, 64), (2, 2, 512, 512)])
def test_blocks_cover_a_stack_once_and_share_no_chunk(chunks):
    from spiden_cli.cluster.blocks import blocks

    shape = (2, 5, 100, 131)
    layout = layout_of("CZYX", shape, "cells")
    seen = np.zeros(shape, int)
    owner = np.full([-(-n // chunk) for n, chunk in zip(shape, chunks, strict=True)], -1)
    for number, block in enumerate(blocks(layout, dict(zip("CZYX", chunks, strict=True)), 4, 30)):
        for index in block.planes:
            window = (slice(None), slice(None)) if block.tile is None else block.tile.window
            seen[(*index, *window)] += 1
            for place in np.argwhere(seen[(*index, *window)]):
                rows, columns = (0 if side.start is None else side.start for side in window)
                at = (*index, rows + place[0], columns + place[1])
                chunk = tuple(n // step for n, step in zip(at, chunks, strict=True))
                assert owner[chunk] in (-1, number)
                owner[chunk] = number
            if block.tile is not None:
                assert block.tile.top % 4 == block.tile.left % 4 == 0
                assert min(block.tile.width, block.tile.height) >= 8
    assert (seen == 1).all()
