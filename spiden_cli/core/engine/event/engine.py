"""The engine that runs on spikes: what it costs grows with them."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from spiden_cli.core.engine.activity import Activity, LayerActivity, reach
from spiden_cli.core.engine.engine import Pass
from spiden_cli.core.engine.event.kernels import Counts, run_band
from spiden_cli.core.engine.event.packing import pack
from spiden_cli.core.network.denoiser import Denoiser
from spiden_cli.core.network.encoding import encode, pad_to_multiple, subtract_noise
from spiden_cli.core.network.geometry import layers
from spiden_cli.errors import InputError

_NUMBERS: dict[str, type[np.float32] | type[np.int16]] = {
    "float32": np.float32,
    "int16": np.int16,
}


class EventEngine:
    """Compiled loops over spikes, on the CPU.

    Args:
        network: a spiking network; it stays as it is.
        threads: how many bands of rows run side by side; None: as many as torch uses.
        numbers: "float32", for the spikes of the dense engine, or "int16", for rounded weights
            that are half as large.

    Raises:
        InputError: the network is a CNN, or its neurons leak and `numbers` is "int16".
    """

    passes = 1
    tile = (2048, 1024)  # a few rows at a time are at work, so that it may be tall

    def __init__(
        self, network: Denoiser, threads: int | None = None, numbers: str = "float32"
    ) -> None:
        if not network.config.spiking:
            raise InputError("a CNN sends no spikes: run it on the dense engine")
        self.name = "event" if numbers == "float32" else f"event-{numbers}"
        self.config = network.config
        self.threads = threads or torch.get_num_threads()
        self._packed = pack(network, _NUMBERS[numbers])
        assert network.readout.bias is not None
        self._readout_bias = network.readout.bias.detach().clone()
        # Compiling the kernels, or reading them from disk, is no part of any picture's time.
        side = 2 * network.config.unshuffle
        self.run(torch.zeros(network.config.image_channels, side, side), 0.0, 1)

    @torch.inference_mode()
    def run(self, noisy: Tensor, sigma: float, timesteps: int) -> Pass:
        """Denoise one image; see `Engine.run`."""
        config = self.config
        level = torch.tensor([float(sigma)])
        encoded = encode(pad_to_multiple(noisy[None], config.unshuffle), level, config)
        image = F.pad(encoded, (1, 1, 1, 1))[0].permute(1, 2, 0).contiguous().numpy()
        height, width = image.shape[0] - 2, image.shape[1] - 2
        counts = Counts(*np.zeros((3, config.layers - 1, height), np.int64))
        drawn = np.empty((height, width, len(self._readout_bias)), np.float32)

        def run(first: int, last: int) -> None:
            run_band(image, self._packed, first, last, timesteps, counts, drawn)

        bands = max(1, min(self.threads, height // 32))
        edges = [height * band // bands for band in range(bands + 1)]
        with ThreadPoolExecutor(bands) as pool:
            list(pool.map(run, edges[:-1], edges[1:]))
        mean = torch.from_numpy(drawn).permute(2, 0, 1) / timesteps
        mean += self._readout_bias[:, None, None]
        denoised = subtract_noise(noisy[None], mean[None], level, config)[0]
        return Pass(denoised, self._activity(counts, noisy, timesteps))

    def _activity(self, counts: Counts, noisy: Tensor, timesteps: int) -> Activity:
        result = {}
        for k, layer in enumerate(layers(self.config, *noisy.shape[1:])[1:]):
            rows = reach(layer.height).numpy()
            result[layer.name] = LayerActivity(
                spikes=int(counts.spikes[k].sum()),
                neurons=layer.inputs,
                slots=layer.inputs * timesteps,
                silent=layer.inputs - int(counts.fired[k].sum()),
                synaptic_operations=int((counts.reached[k] * rows).sum()) * layer.channels_out,
                dense_operations=layer.dense_operations,
            )
        return result
