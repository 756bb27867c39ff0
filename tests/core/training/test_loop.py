"""The loop: it learns, tells what it does, stops when asked, and saves the moving average."""

import json
import math
from dataclasses import replace

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from spiden_cli.core.network.denoiser import Denoiser
from spiden_cli.core.network.presets import preset
from spiden_cli.core.training import loop
from spiden_cli.core.training.loop import train
from spiden_cli.core.training.run_folder import RunFolder
from spiden_cli.core.weights import WeightsInfo, load_weights, save_weights
from spiden_cli.errors import InputError, OutputError, TrainingError


def finish(kept):
    return list(kept.train())


@pytest.mark.parametrize(
    ("neuron", "method"),
    [("if", "bptt"), ("if", "quantiser"), ("lif", "bptt"), ("lif", "quantiser"), ("relu", "bptt")],
)
def test_a_run_learns(start, neuron, method):
    run = start(
        network={"neuron": neuron}, method=method, steps=80, learning_rate=0.01, warmup=5,
        batch_size=4, sigma=(50.0, 50.0), validate_every=80,
    )  # fmt: skip
    progress = finish(run)
    assert progress[-1].loss < 0.9 * progress[0].loss


def test_progress_and_files(start):
    run = start()
    progress = finish(run)
    assert [p.step for p in progress] == [1, 2, 3, 4, 5, 6]
    assert [p.validated for p in progress] == [False, True] * 3
    assert progress[0].validation is None
    assert progress[2].validation is progress[1].validation
    assert progress[-1].seconds_left == 0
    names = {"checkpoint.safetensors", "weights.safetensors", "log.jsonl", ".lock"}
    assert {path.name for path in run.folder.path.iterdir()} == names
    log = [json.loads(line) for line in (run.folder.log).read_text().splitlines()]
    assert [record["step"] for record in log] == [2, 4, 6]
    assert log[-1]["psnr"].keys() == {"15", "25", "50"}
    assert log[-1]["firing_rates"].keys() == {"blocks.0.conv1", "blocks.0.conv2", "readout"}


def test_weights_are_the_moving_average(start):
    run = start(validate_every=100)
    average = None
    for step, _ in enumerate(run.train()):
        now = {name: p.detach().clone() for name, p in run.state.network.named_parameters()}
        decay = min(run.run.record.config.ema, (1 + step) / (10 + step))
        average = now if average is None else {
            name: decay * average[name] + (1 - decay) * now[name] for name in now
        }  # fmt: skip
    saved, info = load_weights(run.folder.weights)
    for name, parameter in saved.named_parameters():
        torch.testing.assert_close(parameter, average[name])
        assert not torch.equal(parameter, now[name]), name
    assert (info.preset, info.timesteps, info.sigma) == ("tiny", (2, 1), (0.0, 55.0))
    assert info.training["steps"] == "6"
    assert info.training["data"] == "smooth"


def test_a_frozen_run_keeps_its_statistics(start):
    run = start(freeze_norm=True)
    before = [layer.norm.running_mean.clone() for _, layer in run.state.network.conv_norms()]
    finish(run)
    for network in (run.state.network, run.state.averaged):
        for (_, layer), mean in zip(network.conv_norms(), before, strict=True):
            assert torch.equal(layer.norm.running_mean, mean)


def test_no_time_and_a_wish_to_stop_both_leave_a_checkpoint(start, resume):
    run = start("hurried", validate_every=100)
    assert [p.step for p in run.train(time_budget=0)] == [1]
    assert (run.folder.checkpoint).exists()
    run = start("stopped", validate_every=100)
    assert [p.step for p in run.train(stop=lambda: run.state.step == 3)] == [1, 2, 3]
    again = resume("stopped", validate_every=100)
    assert [p.step for p in finish(again)] == [4, 5, 6]


def test_a_finished_run_can_be_resumed_and_stays_the_same(start, resume):
    run = start()
    finish(run)
    before = load_file(run.folder.weights)
    again = resume()
    assert finish(again) == []
    after = load_file(run.folder.weights)
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_both_precisions_train_float32_weights(start, precision):
    run = start(precision=precision, steps=2)
    finish(run)
    parameters = run.state.network.parameters()
    assert all(p.dtype == torch.float32 and p.isfinite().all() for p in parameters)


@pytest.mark.parametrize("method", ["bptt", "quantiser"])
def test_a_loss_that_is_no_number_is_one_clear_line(start, method):
    run = start(method=method, learning_rate=1000.0, warmup=0, steps=50, gradient_clip=1e30,
                  validate_every=100)  # fmt: skip
    with pytest.raises(TrainingError, match="no longer finite at step") as refused:
        finish(run)
    assert "--lr" in str(refused.value)
    assert str(refused.value).isprintable()
    assert not (run.folder.weights).exists()  # broken weights are not saved


def test_the_checkpoint_is_written_before_the_validation(start, monkeypatch):
    run = start(validate_every=100)

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(loop, "validate", killed)
    with pytest.raises(KeyboardInterrupt):
        list(run.train(stop=lambda: run.state.step == 3))
    assert run.folder.load().step == 3


def test_a_wish_to_stop_during_a_validation_ends_with_it(start, monkeypatch):
    kept, wishes = start(), []
    measure = loop.validate
    monkeypatch.setattr(loop, "validate", lambda *args: wishes.append(1) or measure(*args))
    assert [p.step for p in kept.train(stop=lambda: bool(wishes))] == [1, 2]
    assert kept.folder.weights.exists()


def test_without_a_folder_a_run_is_the_same_and_writes_nothing(start, tmp_path):
    kept, alone = start("kept"), start("alone")
    finish(kept)
    list(train(alone.run, None))
    mine, theirs = alone.state.tensors(), kept.state.tensors()
    assert all(torch.equal(mine[name], tensor) for name, tensor in theirs.items())
    assert not (tmp_path / "alone").exists()


def test_no_noise_is_strict_json(start):
    run = start(network={"noise_map": True}, sigma=(0.0, 0.0), steps=2)
    finish(run)
    assert run.run.held_out  # with no noise to predict, they come back as they were
    for line in run.folder.log.read_text().splitlines():
        assert json.loads(line, parse_constant=pytest.fail)["psnr"] == {"0": None}
    with safe_open(run.folder.weights, framework="pt") as file:
        json.loads(file.metadata()["spiden"], parse_constant=pytest.fail)
    assert load_weights(run.folder.weights)[1].validation_psnr == {"0": math.inf}


def test_the_gradient_is_clipped(start, monkeypatch):
    run, norms = start(gradient_clip=0.01), []
    step = run.state.optimiser.step

    def spy():
        gradients = [p.grad.flatten() for p in run.state.network.parameters()]
        norms.append(torch.cat(gradients).norm().item())
        step()

    monkeypatch.setattr(run.state.optimiser, "step", spy)
    finish(run)
    assert max(norms) == pytest.approx(0.01, rel=1e-3)


def test_too_few_or_too_small_images(start):
    with pytest.raises(TrainingError, match="too few images"):
        start(patch_size=64)


def test_a_folder_is_judged_before_any_work(tmp_path):
    folder = RunFolder(tmp_path / "new" / "run")
    folder.check_free()
    assert not folder.path.parent.exists()
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="is a file"):
        RunFolder(tmp_path / "file" / "run").check_free()
    folder.path.mkdir(parents=True)
    folder.checkpoint.write_bytes(b"")
    with pytest.raises(InputError, match="--resume"):
        folder.check_free()


def test_a_folder_that_can_not_be_made(start, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="can't make the folder"):
        finish(start("file/run"))


def saved_network(folder, **changes):
    config = replace(preset("tiny-if"), **{"width": 4, "layers": 4, "neuron": "relu", **changes})
    path = folder / "teacher.safetensors"
    save_weights(path, Denoiser(config), WeightsInfo(config, "custom", (1,), (0.0, 55.0)))
    return path


def test_a_student_comes_nearer_to_its_teacher(start, tmp_path, images):
    path = saved_network(tmp_path)
    teacher, _ = load_weights(path)
    run = start(
        network={"neuron": "relu"}, teacher=path, teacher_weight=1.0, steps=60, warmup=1,
        learning_rate=0.01, batch_size=4, sigma=(25.0, 25.0), validate_every=60,
    )  # fmt: skip
    noisy = images.training[0][None].float() / 255 + 0.1

    def distance():
        with torch.no_grad():
            return (
                (run.state.averaged.eval()(noisy, 25.0) - teacher(noisy, 25.0)).abs().mean().item()
            )

    before = distance()
    finish(run)
    assert distance() < 0.7 * before


def test_a_teacher_that_does_not_fit(start, tmp_path):
    with pytest.raises(TrainingError, match="weight"):
        start(teacher=saved_network(tmp_path))
    with pytest.raises(TrainingError, match="a weight a teacher"):
        start(teacher_weight=0.5)
    with pytest.raises(TrainingError, match="colour"):
        start(teacher=saved_network(tmp_path, image_channels=3), teacher_weight=0.5)


def test_an_average_that_overflows_ends_the_run_and_is_not_saved(start):
    kept = start()
    moments = iter(kept.train())
    next(moments), next(moments)  # the second one saves
    saved = kept.folder.checkpoint.read_bytes(), kept.folder.weights.read_bytes()
    kept.state.averaged.readout.bias.data.fill_(3e38)
    kept.state.network.readout.bias.data.fill_(-3e38)  # both are numbers, their difference is none
    with pytest.raises(TrainingError, match="finite"):
        list(moments)
    assert saved == (kept.folder.checkpoint.read_bytes(), kept.folder.weights.read_bytes())
    assert not list(kept.folder.path.glob(".spiden-*"))
