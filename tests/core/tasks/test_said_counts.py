"""A file that says that its detector counts photons is believed, where its noise is unsure."""

import numpy as np
import pytest
import tifffile

from spiden_cli.core.files.picture_files import read_picture
from spiden_cli.core.noise.blind import NoiseEstimate
from spiden_cli.core.noise.model import Unknown
from spiden_cli.core.noise.photon_transfer import CountsEstimate
from spiden_cli.core.tasks.recognition import estimated


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (None, NoiseEstimate),
        ("exposure 30 ms", NoiseEstimate),
        ("detector: HyD, Photon Counting", CountsEstimate),
        ("mode=photon_counting", CountsEstimate),
    ],
)
def test_what_the_file_says_decides_where_few_photons_do_not(tmp_path, words, kind):
    generator = np.random.default_rng(0)
    scene = np.add.outer(np.linspace(0.1, 1, 64), np.zeros(64))
    values = 3 * generator.poisson(scene) + 100 + generator.normal(0, 3, scene.shape)
    path = tmp_path / "few.tif"
    tifffile.imwrite(path, values.round().astype(np.uint16), description=words, metadata=None)
    found = estimated(Unknown(), read_picture(path))
    assert isinstance(found, kind)
    if isinstance(found, CountsEstimate):
        assert found.noise is not None
        assert found.noise.gain == pytest.approx(3, rel=0.25)


def test_words_make_no_counts_of_other_noise(tmp_path):
    generator = np.random.default_rng(0)
    flat = (1000 + generator.normal(0, 20, (64, 64))).round().astype(np.uint16)
    path = tmp_path / "flat.tif"
    tifffile.imwrite(path, flat, description="photon counting", metadata=None)
    assert isinstance(estimated(Unknown(), read_picture(path)), NoiseEstimate)
