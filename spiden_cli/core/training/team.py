"""Processes that train one network together, started by torchrun: torch's DistributedDataParallel.

Each draws the same batch and takes its share of it, so that a run is the same with any number of
processes, but for the order of sums, and its checkpoint fits any number. Gradients are averaged
before they are clipped and given to the optimiser, which therefore makes the same step in each
process: Muon needs the gradient of the whole batch to find the directions in it.

One of them leads: it has the folder, validates, and talks.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import timedelta
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from spiden_cli.core.network.denoiser import Denoiser
from spiden_cli.core.noise.training import Batch
from spiden_cli.errors import InputError, TrainingError, is_out_of_memory

__all__ = ["ALONE", "Team", "local_device", "started_together", "team"]

PATIENCE = timedelta(hours=2)
"""How long one waits for another: the leader's validation takes a while."""


class Team:
    """The processes of a run.

    Args:
        rank: of this one.
        size: how many there are.
    """

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        self.rank, self.size = rank, size

    @property
    def leads(self) -> bool:
        """Whether this is the process that has the folder."""
        return self.rank == 0

    def check_split(self, batch_size: int) -> None:
        """Refuse a batch that can't be split evenly.

        Raises:
            InputError: the shares would differ.
        """
        if batch_size % self.size:
            raise InputError(
                f"a batch of {batch_size} can't be split evenly over {self.size} processes: choose "
                "another --batch-size or --nproc-per-node"
            )

    def share(self, batch: Batch) -> Batch:
        """Return this process's part of a batch."""
        count = len(batch.clean) // self.size
        own = slice(self.rank * count, (self.rank + 1) * count)
        return Batch(*(part[own] for part in batch))

    def replica(self, network: Denoiser) -> nn.Module:
        """Return what runs a network forward so that its gradients become those of all processes.

        Batch normalisation takes its statistics from the whole batch.
        """
        if self.size == 1:
            return network
        device = next(network.parameters()).device
        if device.type == "cpu":
            for _, layer in network.conv_norms():
                layer.norm = _NormOfAll.of(layer.norm)
        else:
            nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
        with self.meeting():
            return DistributedDataParallel(
                network, [device] if device.type == "cuda" else None, gradient_as_bucket_view=True
            )

    def mean(self, values: Tensor) -> Tensor:
        """Return the mean of a tensor over the processes."""
        if self.size == 1:
            return values
        total = values.detach().clone()
        with self.meeting():
            distributed.all_reduce(total)
        return total / self.size

    def any(self, wish: bool, device: torch.device) -> bool:
        """Return whether one of the processes has a wish."""
        return wish if self.size == 1 else bool(self.mean(torch.tensor(float(wish), device=device)))

    def from_leader(self, value: Any) -> Any:  # noqa: ANN401
        """Return what the leader has."""
        if self.size == 1:
            return value
        shared = [value]
        with self.meeting():
            distributed.broadcast_object_list(shared)
        return shared[0]

    def meeting(self) -> AbstractContextManager[None]:
        """Return a context for what needs the others, who may have ended.

        Raises:
            TrainingError: inside the context, if one has.
        """
        return nullcontext() if self.size == 1 else _others_may_end()

    @contextmanager
    def leader_first(self) -> Iterator[None]:
        """Let the leader do something before the others, who then find it done."""
        if not self.leads:
            self.from_leader(None)
        yield
        if self.leads:
            self.from_leader(None)


ALONE = Team()


def started_together() -> bool:
    """Return whether torchrun has started this process, and others with it."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1 and "MASTER_ADDR" in os.environ


def local_device(device: torch.device) -> torch.device:
    """Return the device of this process: of several GPUs, each has its own.

    Raises:
        InputError: there are fewer GPUs than processes.
    """
    if device.type != "cuda" or not started_together():
        return device
    processes = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    if device.index is not None and processes > 1:
        raise InputError(
            f"each process needs a GPU of its own, and not all of them {device}: give --device "
            "cuda, without a number"
        )
    if processes > (gpus := torch.cuda.device_count()):
        raise InputError(
            f"each process needs a GPU of its own, and this machine has {gpus} for {processes}: "
            f"choose --nproc-per-node {gpus}, or --device cpu"
        )
    if device.index is not None:
        return device
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))


@contextmanager
def team(device: torch.device) -> Iterator[Team]:
    """Meet the other processes, if there are any.

    Args:
        device: of this process.

    Raises:
        TrainingError: the others can't be met.
    """
    if not started_together():
        yield ALONE
        return
    on_gpus = device.type == "cuda"
    if on_gpus:  # objects, too, travel by the GPU that is current
        torch.cuda.set_device(device)
    try:
        distributed.init_process_group(
            "nccl" if on_gpus else "gloo", timeout=PATIENCE, device_id=device if on_gpus else None
        )
    except RuntimeError as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise TrainingError(
            f"can't meet the other processes of this run ({reason}): if one of them has ended, it "
            "says why"
        ) from error
    try:
        yield Team(distributed.get_rank(), distributed.get_world_size())
    finally:
        distributed.destroy_process_group()


@contextmanager
def _others_may_end() -> Iterator[None]:
    """Say in one line that another process has ended; torch says it in many, and as another."""
    try:
        yield
    except RuntimeError as error:
        if is_out_of_memory(error):
            raise
        raise TrainingError(
            "another process of this run has ended, and so does this one: what went wrong is said "
            "there; --resume goes on from the last checkpoint"
        ) from error


class _NormOfAll(nn.BatchNorm2d):
    """Batch normalisation over the processes' batches together, which torch has for GPUs alone."""

    @classmethod
    def of(cls, norm: nn.BatchNorm2d) -> "_NormOfAll":
        """Return one with the parameters and statistics of another, not copies of them."""
        made = cls(norm.num_features, norm.eps, norm.momentum)
        made.weight, made.bias = norm.weight, norm.bias
        made.running_mean, made.running_var = norm.running_mean, norm.running_var
        made.num_batches_tracked = norm.num_batches_tracked
        made.train(norm.training)
        return made

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (N, C, H, W), each process having as many."""
        if not self.training:
            return super().forward(x)
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        assert self.momentum is not None
        size = distributed.get_world_size()
        mean = _summed(x.mean((0, 2, 3))) / size
        centred = x - mean[:, None, None]
        variance = _summed(centred.square().mean((0, 2, 3))) / size
        with torch.no_grad():
            count = size * x.numel() / x.shape[1]
            self.num_batches_tracked.add_(1)
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * (count / (count - 1)), self.momentum)
        scale = self.weight * (variance + self.eps).rsqrt()
        return centred * scale[:, None, None] + self.bias[:, None, None]


class _Summed(torch.autograd.Function):
    """The sum over the processes; the gradient of it is the sum of theirs."""

    @staticmethod
    def forward(_context: Any, values: Tensor) -> Tensor:  # noqa: ANN401
        total = values.contiguous().clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(_context: Any, gradient: Tensor) -> Tensor:  # noqa: ANN401
        total = gradient.contiguous().clone()
        distributed.all_reduce(total)
        return total


def _summed(values: Tensor) -> Tensor:
    total: Tensor = _Summed.apply(values)  # type: ignore[no-untyped-call]
    return total
