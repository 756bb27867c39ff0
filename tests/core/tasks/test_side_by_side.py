"""Which pictures are small is told without decoding a large one."""

import imagecodecs
import numpy as np
import pytest

from spiden_cli.core.files.picture_files import Picture, write_picture
from spiden_cli.core.tasks.side_by_side import is_small


@pytest.mark.parametrize(
    ("suffix", "decoder"), [(".jp2", "jpeg2k_decode"), (".jxl", "jpegxl_decode")]
)
def test_a_large_picture_in_a_small_file_is_not_decoded_to_learn_its_size(
    tmp_path, monkeypatch, suffix, decoder
):
    decode, decoded = getattr(imagecodecs, decoder), []
    monkeypatch.setattr(
        imagecodecs, decoder, lambda content, *a, **o: decoded.append(1) or decode(content, *a, **o)
    )
    for name, side in (("small", 40), ("large", 520)):
        write_picture(tmp_path / f"{name}{suffix}", Picture(np.zeros((side, side), np.uint8)))
    assert is_small(tmp_path / f"small{suffix}")
    assert decoded == [1]
    assert not is_small(tmp_path / f"large{suffix}")
    assert decoded == [1]
