"""The loop: it learns, tells what it does, stops when asked, and saves the moving average."""

import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from spiden_cli.core.network.denoiser import Denoiser
from spiden_cli.core.network.presets import preset
from spiden_cli.core.training.loop import CHECKPOINT, LOG, WEIGHTS
from spiden_cli.core.weights import WeightsInfo, load_weights, save_weights
from spiden_cli.errors import OutputError, TrainingError


def finish(run):
    return list(run.run())


@pytest.mark.parametrize("method", ["bptt", "quantiser"])
@pytest.mark.parametrize("neuron", ["if", "lif", "relu"])
def test_a_run_learns(trainer, neuron, method):
    run = trainer(
        network={"neuron": neuron}, method=method, steps=80, learning_rate=0.01, warmup=5,
        batch_size=4, sigma=(50.0, 50.0), validate_every=80,
    )  # fmt: skip
    progress = finish(run)
    assert progress[-1].loss < 0.9 * progress[0].loss


def test_progress_and_files(trainer):
    run = trainer()
    progress = finish(run)
    assert [p.step for p in progress] == [1, 2, 3, 4, 5, 6]
    assert [p.validated for p in progress] == [False, True] * 3
    assert progress[0].validation is None
    assert progress[2].validation is progress[1].validation
    assert progress[-1].seconds_left == 0
    assert sorted(path.name for path in run.folder.iterdir()) == sorted([CHECKPOINT, WEIGHTS, LOG])
    log = [json.loads(line) for line in (run.folder / LOG).read_text().splitlines()]
    assert [record["step"] for record in log] == [2, 4, 6]
    assert log[-1]["psnr"].keys() == {"15", "25", "50"}
    assert log[-1]["firing_rates"].keys() == {"blocks.0.conv1", "blocks.0.conv2", "readout"}


def test_weights_are_the_moving_average(trainer):
    run = trainer(validate_every=100)
    average = None
    for step, _ in enumerate(run.run()):
        now = {name: p.detach().clone() for name, p in run.network.named_parameters()}
        decay = min(run.config.ema, (1 + step) / (10 + step))
        average = now if average is None else {
            name: decay * average[name] + (1 - decay) * now[name] for name in now
        }  # fmt: skip
    saved, info = load_weights(run.folder / WEIGHTS)
    for name, parameter in saved.named_parameters():
        torch.testing.assert_close(parameter, average[name])
        assert not torch.equal(parameter, now[name]), name
    assert (info.preset, info.timesteps, info.sigma) == ("tiny", (2, 1), (0.0, 55.0))
    assert info.training["steps"] == "6"
    assert info.training["data"] == "smooth"


def test_a_frozen_run_keeps_its_statistics(trainer):
    run = trainer(freeze_norm=True)
    before = [layer.norm.running_mean.clone() for _, layer in run.network.conv_norms()]
    finish(run)
    for network in (run.network, run.averaged):
        for (_, layer), mean in zip(network.conv_norms(), before, strict=True):
            assert torch.equal(layer.norm.running_mean, mean)


def test_no_time_and_a_wish_to_stop_both_leave_a_checkpoint(trainer):
    run = trainer("hurried", validate_every=100)
    assert [p.step for p in run.run(time_budget=0)] == [1]
    assert (run.folder / CHECKPOINT).exists()
    run = trainer("stopped", validate_every=100)
    assert [p.step for p in run.run(stop=lambda: run.step == 3)] == [1, 2, 3]
    again = trainer("stopped", validate_every=100)
    again.resume()
    assert [p.step for p in finish(again)] == [4, 5, 6]


def test_a_finished_run_can_be_resumed_and_stays_the_same(trainer):
    run = trainer()
    finish(run)
    before = load_file(run.folder / WEIGHTS)
    again = trainer()
    again.resume()
    assert finish(again) == []
    after = load_file(run.folder / WEIGHTS)
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_both_precisions_train_float32_weights(trainer, precision):
    run = trainer(precision=precision, steps=2)
    finish(run)
    assert all(p.dtype == torch.float32 and p.isfinite().all() for p in run.network.parameters())


@pytest.mark.parametrize("method", ["bptt", "quantiser"])
def test_a_loss_that_is_no_number_is_one_clear_line(trainer, method):
    run = trainer(method=method, learning_rate=1000.0, warmup=0, steps=50, gradient_clip=1e30,
                  validate_every=100)  # fmt: skip
    with pytest.raises(TrainingError, match="no longer finite at step") as refused:
        finish(run)
    assert "--lr" in str(refused.value)
    assert str(refused.value).isprintable()
    assert not (run.folder / WEIGHTS).exists()  # broken weights are not saved


def test_the_gradient_is_clipped(trainer, monkeypatch):
    run, norms = trainer(gradient_clip=0.01), []
    step = run.optimiser.step

    def spy():
        gradients = [p.grad.flatten() for p in run.network.parameters()]
        norms.append(torch.cat(gradients).norm().item())
        step()

    monkeypatch.setattr(run.optimiser, "step", spy)
    finish(run)
    assert max(norms) == pytest.approx(0.01, rel=1e-3)


def test_too_few_or_too_small_images(trainer):
    with pytest.raises(TrainingError, match="too few images"):
        trainer(patch_size=64)


def test_a_folder_that_can_not_be_made(trainer, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="can't make the folder"):
        trainer("file/run")


def saved_network(folder, **changes):
    config = replace(preset("tiny"), **{"width": 4, "layers": 4, "neuron": "relu", **changes})
    path = folder / "teacher.safetensors"
    save_weights(path, Denoiser(config), WeightsInfo(config, "custom", (1,), (0.0, 55.0)))
    return path


def test_a_student_comes_nearer_to_its_teacher(trainer, tmp_path, images):
    path = saved_network(tmp_path)
    teacher, _ = load_weights(path)
    run = trainer(
        network={"neuron": "relu"}, teacher=path, teacher_weight=1.0, steps=60, warmup=1,
        learning_rate=0.01, batch_size=4, sigma=(25.0, 25.0), validate_every=60,
    )  # fmt: skip
    noisy = images[0][None].float() / 255 + 0.1

    def distance():
        with torch.no_grad():
            return (run.averaged.eval()(noisy, 25.0) - teacher(noisy, 25.0)).abs().mean().item()

    before = distance()
    finish(run)
    assert distance() < 0.7 * before


def test_a_teacher_that_does_not_fit(trainer, tmp_path):
    with pytest.raises(TrainingError, match="weight"):
        trainer(teacher=saved_network(tmp_path))
    with pytest.raises(TrainingError, match="a weight a teacher"):
        trainer(teacher_weight=0.5)
    with pytest.raises(TrainingError, match="colour"):
        trainer(teacher=saved_network(tmp_path, image_channels=3), teacher_weight=0.5)
