"""What flows into the spike-driven layers: measured by hooks, while the network runs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from torch import Tensor, nn

from spiden_cli.core.network.denoiser import Denoiser

Measurement = TypeVar("Measurement")


@contextmanager
def record_spikes(
    network: Denoiser, measure: Callable[[Tensor], Measurement]
) -> Iterator[dict[str, list[Measurement]]]:
    """Measure the spikes that enter each spike-driven layer, during the `with` block.

    Args:
        network: the network that runs inside the block.
        measure: called with the spikes, (T * B, C, H, W), of each layer at each forward pass.

    Yields:
        By layer name, in the order of the data flow: what `measure` returned, a value per pass.
    """
    records: dict[str, list[Measurement]] = {}
    handles = []
    for name, layer in network.spike_driven():
        values = records[name] = []

        def hook(
            _: nn.Module, inputs: tuple[Tensor, ...], values: list[Measurement] = values
        ) -> None:
            values.append(measure(inputs[0]))

        handles.append(layer.register_forward_pre_hook(hook))
    try:
        yield records
    finally:
        for handle in handles:
            handle.remove()
