"""Who is tried on what: the default model by kind, from headers; a named one on all."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from spiden_cli.core.data import samples
from spiden_cli.core.data.samples import Pair, clean_images
from spiden_cli.core.tasks.model import load
from spiden_cli.core.tasks.subjects import subjects
from spiden_cli.errors import InputError


@pytest.fixture
def paths(tmp_path: Path, colour_pixels: np.ndarray) -> list[Path]:
    """Grey, colour, grey."""
    found = []
    for index, pixels in enumerate((colour_pixels[..., 0], colour_pixels, colour_pixels[..., 2])):
        found.append(tmp_path / f"{index}.png")
        Image.fromarray(pixels).save(found[-1])
    return found


def test_the_default_goes_by_kind_and_keeps_each_seed(paths, monkeypatch):
    monkeypatch.setattr(samples, "read_picture", None)  # the headers say enough
    grey, colour = subjects([load("auto", engine="dense")], clean_images(paths))
    assert [sample.seed for sample in grey.samples] == [0, 2]
    assert [sample.seed for sample in colour.samples] == [1]
    assert grey.model.engine.config.image_channels == 1
    assert colour.model.engine.config.image_channels == 3
    assert grey.spiking
    assert grey.timesteps(None) == grey.model.info.timesteps[:1]
    assert grey.timesteps([1, 2]) == [1, 2]


def test_a_named_model_is_tried_on_all(paths, small_weights):
    pictures = clean_images(paths)
    (subject,) = subjects([load(small_weights, engine="dense")], pictures)
    assert list(subject.samples) == list(pictures)
    assert subject.model.name == str(small_weights)


def test_a_broken_pair_is_refused_before_any_work(paths, small_weights):
    for model in (load(small_weights, engine="dense"), load("auto", engine="dense")):
        with pytest.raises(InputError, match="both grey or both colour"):
            subjects([model], [Pair(paths[0], paths[2]), Pair(paths[0], paths[1])])
