"""Images of a run: a part of each set is held out, and no test image is ever learnt from."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from spiden_cli.core.data import training_images
from spiden_cli.core.data.datasets import Dataset, find_dataset
from spiden_cli.core.data.sources import PinnedFile, Source
from spiden_cli.core.data.training_images import hold_out, read_training_images
from spiden_cli.errors import DatasetError


def make_set(folder: Path, values: list[int], colour: bool = True) -> Dataset:
    """Flat pictures, told apart by their value."""
    folder.mkdir()
    for index, value in enumerate(values):
        pixels = np.full((8, 9, 3) if colour else (8, 9), value, np.uint8)
        Image.fromarray(pixels).save(folder / f"{index:02}.png")
    return find_dataset(str(folder), None)


def values(images):
    return [int(image[0, 0, 0]) for image in images]


@given(st.integers(2, 700))
def test_a_split_shares_no_image_and_loses_none(count):
    images = [torch.tensor(index) for index in range(count)]
    train, held = hold_out(images)
    assert sorted([*map(int, train), *map(int, held)]) == list(range(count))
    assert len(held) == max(1, min(16, count // 20))


def test_each_set_holds_out_the_same_images_alone_and_with_others(tmp_path):
    first = make_set(tmp_path / "first", [1, 2, 3, 4])
    second = make_set(tmp_path / "second", [11, 12, 13])
    seen = []
    alone = [read_training_images([part], None, 1) for part in (first, second)]
    both = read_training_images([first, second], None, 1, seen.append)
    assert values(both.held_out) == [v for part in alone for v in values(part.held_out)]
    assert values(both.training) == [v for part in alone for v in values(part.training)]
    assert sorted(values(both.training) + values(both.held_out)) == [1, 2, 3, 4, 11, 12, 13]
    assert seen == [1, 2, 3, 4, 5, 6, 7]
    assert {image.shape for image in both.training} == {(1, 8, 9)}


def test_with_validation_images_nothing_is_held_out(tmp_path):
    data = make_set(tmp_path / "data", [1, 2, 3])
    found = read_training_images([data], make_set(tmp_path / "val", [7, 8]), 3)
    assert (values(found.training), values(found.held_out)) == ([1, 2, 3], [7, 8])
    assert found.training[0].shape == (3, 8, 9)


def test_colour_needs_colour(tmp_path):
    grey = make_set(tmp_path / "grey", [1, 2], colour=False)
    with pytest.raises(DatasetError, match="no image is in colour"):
        read_training_images([grey], None, 3)


@pytest.mark.parametrize("name", ["set12", "bsd68", "cbsd68", "nam25"])
def test_a_test_set_is_refused_by_its_name(tmp_path, name):
    dataset = Dataset(name, make_set(tmp_path / "any", [1, 2]).paths)
    with pytest.raises(
        DatasetError, match=f"can't train on {name}, which is a test set"
    ) as refused:
        read_training_images([dataset], None, 1)
    assert str(refused.value).isprintable()


def test_a_test_image_is_refused_under_another_name(tmp_path, monkeypatch):
    data = make_set(tmp_path / "data", [1, 2, 3])
    sha256 = hashlib.sha256(data.paths[1].read_bytes()).hexdigest()
    empty = {name: Source(name, ()) for name in training_images.TEST_SETS}
    pinned = Source("bsd68", (PinnedFile("test001.png", "", sha256),))
    monkeypatch.setattr(training_images, "load_sources", lambda: {**empty, "bsd68": pinned})
    with pytest.raises(DatasetError, match=r"data/01\.png, an image of bsd68"):
        read_training_images([data], None, 1)
    read_training_images([make_set(tmp_path / "own", [9, 8])], data, 1)  # to measure on, it is fine


def test_the_training_sets_share_no_file_with_the_test_sets(data_dir):
    training_images.refuse_test_images([find_dataset("bsd432", data_dir)])
