"""The state of a run: all that a step changes, and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from spiden_cli.core.network.denoiser import Denoiser
from spiden_cli.core.training.averaging import moving_average
from spiden_cli.core.training.config import TrainingConfig
from spiden_cli.core.training.optimiser import make_optimiser, state_shapes
from spiden_cli.core.training.tensor_checks import TensorShape, check_tensors

LARGEST_NORMAL = 40.0  # no generator draws a normal number as far from zero


@dataclass
class TrainingState:
    """A run between two steps.

    Attributes:
        network: what is trained.
        average: the moving average of its weights.
        optimiser: with its moments.
        generator: where the randomness of the steps comes from; on the device of the network.
        step: steps done.
        seconds: time spent on them, over all calls.
    """

    network: Denoiser
    average: AveragedModel
    optimiser: torch.optim.Optimizer
    generator: torch.Generator
    step: int = 0
    seconds: float = 0.0

    @property
    def averaged(self) -> Denoiser:
        """The network whose weights are the moving average: what is measured and saved."""
        network = self.average.module
        assert isinstance(network, Denoiser)
        return network

    def tensors(self) -> dict[str, Tensor]:
        """Return the state as tensors by name, all but step and seconds."""
        return {
            **_prefixed("network", self.network.state_dict()),
            **_prefixed("average", self.average.state_dict()),
            **_prefixed("optimiser", _optimiser_tensors(self.optimiser)),
            "generator": self.generator.get_state(),
        }

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Put back what `tensors` returned.

        Raises:
            ValueError: a tensor is missing, unknown or of another shape, or holds what no step can
                have left there; nothing was put back.
        """
        check_tensors(self._expected(tensors), tensors)
        self._restore_generator(tensors["generator"])
        self.network.load_state_dict(_without_prefix("network", tensors))
        self.average.load_state_dict(_without_prefix("average", tensors))
        _restore_optimiser(self.optimiser, _without_prefix("optimiser", tensors))

    def _expected(self, tensors: Mapping[str, Tensor]) -> dict[str, TensorShape]:
        """Return what a checkpoint of this run must hold, given which parameters have moved."""
        expected = {name: TensorShape.of(tensor) for name, tensor in self.tensors().items()}
        for index, entries in enumerate(state_shapes(self.optimiser)):
            prefix = f"optimiser.{index}."
            if any(name.startswith(prefix) for name in tensors):
                for key, shape in entries.items():
                    expected[prefix + key] = TensorShape(shape, torch.float32)
        return expected

    def _restore_generator(self, state: Tensor) -> None:
        """Put back the generator's state, if the numbers that it leads to are numbers."""
        trial = torch.Generator(self.generator.device)
        try:
            trial.set_state(state)
        except (RuntimeError, TypeError):  # of torch, many lines long
            raise ValueError("the state of the generator is none") from None
        for dtype in (torch.float32, torch.float64):  # it may hold a spare number of each type
            drawn = torch.randn(1, generator=trial, dtype=dtype, device=trial.device)
            if not drawn.abs() < LARGEST_NORMAL:
                raise ValueError("the state of the generator is none")
        self.generator.set_state(state)


def new_state(
    network: Denoiser, config: TrainingConfig, generator: torch.Generator
) -> TrainingState:
    """Return the state before the first step, on the generator's device.

    Args:
        network: the weights to start with; trained in place.
        config: the settings of the run.
        generator: where the randomness of the steps comes from.
    """
    network = network.to(generator.device)
    # Channels-last is twice as fast on a CPU and no slower on a GPU.
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return TrainingState(
        network,
        AveragedModel(network, multi_avg_fn=moving_average(config.ema)),
        make_optimiser(network, config.optimiser, config.learning_rate),
        generator,
    )


def _prefixed(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}.{name}": tensor for name, tensor in tensors.items()}


def _without_prefix(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    start = f"{prefix}."
    return {name[len(start) :]: t for name, t in tensors.items() if name.startswith(start)}


def _optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return an optimiser's state as tensors named INDEX.KEY."""
    state: dict[int, dict[str, Any]] = optimiser.state_dict()["state"]
    return {
        f"{index}.{key}": value for index, entry in state.items() for key, value in entry.items()
    }


def _restore_optimiser(optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        index, key = name.split(".", 1)
        state.setdefault(int(index), {})[key] = tensor
    optimiser.load_state_dict(
        {"state": state, "param_groups": optimiser.state_dict()["param_groups"]}
    )
