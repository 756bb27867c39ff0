"""A run goes on with what it was trained with; else the refusal names what differs."""

from dataclasses import replace

import pytest
import torch

from spiden_cli.core.data.training_images import TrainingImages
from spiden_cli.core.network.denoiser import Denoiser
from spiden_cli.core.network.presets import preset
from spiden_cli.core.training.fingerprint import take_fingerprint
from spiden_cli.core.weights import WeightsInfo, save_weights
from spiden_cli.errors import TrainingError


def saved(path, seed=0):
    torch.manual_seed(seed)
    config = replace(preset("tiny-if"), width=4, layers=4).twin()
    save_weights(path, Denoiser(config), WeightsInfo(config, "custom", (1,), (0.0, 55.0)))
    return path


def stop(kept):
    list(kept.train(time_budget=0))


def refusal(resume, **arguments):
    with pytest.raises(TrainingError) as refused:
        resume(**arguments)
    return str(refused.value)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"learning_rate": 0.001}, "--lr 0.002 (0.001 now)"),
        ({"steps": 7}, "--steps 6 (7 now)"),
        ({"seed": 2**63 - 1}, f"--seed 0 ({2**63 - 1} now)"),
        ({"timesteps": (4, 2)}, "--timesteps 2,1 (4,2 now)"),
        ({"sigma": (25.0, 25.0)}, "--sigma 0:55 (25:25 now)"),
        ({"freeze_norm": True}, "no --freeze-norm (but now)"),
        ({"network": {"neuron": "lif"}}, "--neuron if (lif now)"),
        ({"network": {"image_channels": 3}}, "no --colour (but now)"),
        ({"network": {"width": 8}}, "a network of width 4 (8 now)"),
    ],
)
def test_another_setting_is_named_with_both_values(start, resume, changes, named):
    stop(start())
    assert f"was trained with {named}: give it the same" in refusal(resume, **changes)


def test_all_that_differs_is_named_in_one_line(start, resume, images):
    stop(start())
    fewer = TrainingImages(images.training[:1], images.held_out)
    message = refusal(resume, seed=1, learning_rate=0.5, data=fewer)
    assert message.isprintable()
    for part in ("--seed 0 (1 now)", "--lr 0.002 (0.5 now)", "other images (2 then, 1 now)"):
        assert part in message


def test_other_pixels_another_order_and_other_held_out_images_are_seen(start, resume, images):
    stop(start())
    changed = images.training[1].clone()
    changed[0, 3, 5] ^= 1
    for training in ([images.training[0], changed], images.training[::-1]):
        message = refusal(resume, data=TrainingImages(training, images.held_out))
        assert "other images (2 of them, but not these, or in another order)" in message
    message = refusal(resume, data=TrainingImages(images.training, images.training[:1]))
    assert "with other held-out images (1 of them" in message
    resume()  # what it was trained with is accepted


def test_another_teacher_is_seen_and_another_name_of_the_same_is_not(start, resume, tmp_path):
    teacher = saved(tmp_path / "teacher.safetensors")
    taught = {"network": {"neuron": "relu"}, "teacher_weight": 0.5}
    stop(start(teacher=teacher, **taught))
    other = saved(tmp_path / "other.safetensors", seed=1)
    assert "with another --teacher" in refusal(resume, teacher=other, **taught)
    assert "with a --teacher (none now)" in refusal(resume, **taught)
    resume(teacher=teacher.rename(tmp_path / "renamed.safetensors"), **taught)


def test_the_start_is_known_but_need_not_be_there(start, resume, images, tmp_path):
    path = saved(tmp_path / "start.safetensors")
    kept = start(init=path)
    fingerprint = kept.run.record.fingerprint
    assert fingerprint.start == take_fingerprint(images, path, None).teacher
    stop(kept)
    path.unlink()
    assert resume().run.record.fingerprint == fingerprint


def test_the_shape_of_an_image_counts(images):
    turned = TrainingImages([i.reshape(1, 24, 20) for i in images.training], images.held_out)
    mine, theirs = (take_fingerprint(each, None, None) for each in (images, turned))
    assert mine.held_out == theirs.held_out
    assert mine.training.sha256 != theirs.training.sha256
