"""A network as ONNX, which runtimes on phones, in browsers and on accelerators read.

One file takes pictures of any size whose sides are multiples of the network's grid: `noisy` (N, C,
H, W) from 0 to 1 and `sigma` (N,) in 8-bit units go in, `denoised` comes out. Padding by
reflection, as `encoding.pad_to_multiple` does, is left to the caller: `encoding` in the metadata
says the grid.

Spikes of equal weight are unrolled, T timesteps stacked along the batch, and the image's
convolution is computed once. Weighted spikes are what they add up to, in one pass, as in the dense
engine.
"""

from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spiden_cli.core.atomic import atomic_path
from spiden_cli.core.engine.engine import check_timesteps
from spiden_cli.core.network import graph as nodes
from spiden_cli.core.network.folding import FoldedNetwork
from spiden_cli.errors import InputError

if TYPE_CHECKING:
    import onnx

__all__ = ["check_onnx", "onnx_model", "write_onnx"]

OPSET, IR_VERSION = 18, 10  # of 2023 and 2024: new enough for Split, old enough for runtimes


def check_onnx() -> None:
    """Check that ONNX can be written.

    Raises:
        InputError: the package onnx is missing.
    """
    if util.find_spec("onnx") is None:
        raise InputError("ONNX needs a package: pip install 'spiden[onnx]'")


def write_onnx(path: Path, network: FoldedNetwork, timesteps: int) -> int:
    """Write a network as ONNX; the file is whole or absent.

    Args:
        path: usually named .onnx.
        network: of any neurons; a CNN ignores T.
        timesteps: T, which is part of the file.

    Returns:
        How many nodes it has.

    Raises:
        InputError: the package onnx is missing, or T is out of range.
        OutputError: the file can't be written.
    """
    model = onnx_model(network, timesteps)
    with atomic_path(path) as temporary:
        temporary.write_bytes(model.SerializeToString())
    return len(model.graph.node)


def onnx_model(network: FoldedNetwork, timesteps: int) -> "onnx.ModelProto":
    """Return a network as a model of ONNX; see `write_onnx`.

    Raises:
        InputError: the package onnx is missing, or T is out of range.
    """
    check_onnx()
    check_timesteps(timesteps)
    import onnx
    from onnx import TensorProto, helper

    draft = _Draft(network, timesteps)
    draft.build()
    channels = network.config.image_channels
    shape: list[str | int | None] = ["batch", channels, "height", "width"]
    graph = helper.make_graph(
        draft.nodes,
        "spiden",
        [
            helper.make_tensor_value_info("noisy", TensorProto.FLOAT, shape),
            helper.make_tensor_value_info("sigma", TensorProto.FLOAT, ["batch"]),
        ],
        [helper.make_tensor_value_info("denoised", TensorProto.FLOAT, shape)],
        draft.constants,
    )
    model = helper.make_model(
        graph,
        producer_name="spiden",
        ir_version=IR_VERSION,
        opset_imports=[helper.make_opsetid("", OPSET)],
    )
    facts = {
        "neuron": network.config.neuron,
        "timesteps": str(timesteps if network.config.spiking else 1),
        "grid": str(network.graph.grid),
        "encoding": "sides must be multiples of the grid: reflect the picture at its lower and "
        "right edge, and cut the result",
    }
    helper.set_model_props(model, facts)
    onnx.checker.check_model(model, full_check=True)
    return model


class _Draft:
    """The nodes so far, each with an output of its own name.

    Attributes:
        nodes: in order.
        constants: tensors by which they compute.
    """

    def __init__(self, network: FoldedNetwork, timesteps: int) -> None:
        self._network, self._timesteps = network, timesteps
        self._steps = 1 if network.config.one_pass else timesteps
        self._values: dict[str, str] = {}  # by node of the network
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def build(self) -> None:
        """Walk over the network."""
        for node in self._network.graph.nodes[:-1]:
            inputs = [self._values[name] for name in node.inputs]
            self._values[node.name] = self._node(node, inputs)
        drawn = self._values[self._network.graph.nodes[-1].inputs[0]]
        if self._steps > 1:
            drawn = self._add("Mean", self._split(drawn), "output.mean")
        config = self._network.config
        if config.noise_map:
            unit = self._add("Div", [self._level, self._constant(np.float32(255))], "output.unit")
            drawn = self._add("Mul", [drawn, unit], "output.scaled")
        noise = self._shuffle(drawn, config.unshuffle, "output.noise")
        self._add("Sub", ["noisy", noise], "denoised")

    def _node(self, node: nodes.Node, inputs: list[str]) -> str:
        if isinstance(node, nodes.Encode):
            return self._encode(node)
        if isinstance(node, nodes.Convolution):
            return self._convolve(node, inputs[0])
        if isinstance(node, nodes.Neurons):
            return self._fire(node, inputs[0])
        if isinstance(node, nodes.Add):
            total = inputs[0]
            for place, current in enumerate(inputs[1:], 1):
                total = self._add("Add", [total, current], f"{node.name}.{place}")
            return total
        if isinstance(node, nodes.Concatenate):
            return self._add("Concat", inputs, node.name, axis=1)
        if isinstance(node, nodes.Shuffle):
            return self._shuffle(inputs[0], node.factor, node.name)
        assert isinstance(node, nodes.Unshuffle)
        channels = self._network.graph[node.inputs[0]].channels
        return self._unshuffle(inputs[0], node.factor, channels, node.name)

    def _encode(self, node: nodes.Encode) -> str:
        config = self._network.config
        axes = self._constant(np.array([1, 2, 3]))
        self._level = self._add("Unsqueeze", ["sigma", axes], "input.level")
        image = self._unshuffle("noisy", config.unshuffle, config.image_channels, "input.pixels")
        if not config.noise_map:
            return image
        told = self._add("Div", [self._level, self._constant(np.float32(64))], "input.told")
        edges = [self._constant(np.array([edge])) for edge in (0, 1, 1)]
        first = self._add("Slice", [image, *edges], "input.first")  # (N, 1, H', W')
        shape = self._add("Shape", [first], "input.shape")
        plane = self._add("Expand", [told, shape], "input.noise_map")
        return self._add("Concat", [image, plane], node.name, axis=1)

    def _convolve(self, node: nodes.Convolution, x: str) -> str:
        kernel, bias = self._network.convolutions[node.name]
        parts = [self._constant(kernel, f"{node.name}.weight")]
        parts.append(self._constant(bias, f"{node.name}.bias"))
        current = self._add(
            "Conv", [x, *parts], node.name, strides=[node.stride] * 2,
            pads=[node.kernel // 2] * 4, kernel_shape=[node.kernel] * 2,
        )  # fmt: skip
        if self._steps > 1 and self._network.graph[node.inputs[0]].kind == "image":
            return self._add("Concat", [current] * self._steps, f"{node.name}.steps", axis=0)
        return current

    def _fire(self, node: nodes.Neurons, current: str) -> str:
        if not self._network.config.spiking:
            return self._add("Relu", [current], node.name)
        if node.population > 1:
            repeated = [current] * node.population
            current = self._add("Concat", repeated, f"{node.name}.members", axis=1)
        parts = self._network.neurons[node.name]
        if self._network.config.weighted:
            return self._digits(node, current)
        threshold = self._constant(parts.threshold[:, None, None], f"{node.name}.threshold")
        start = (parts.initial * parts.threshold)[:, None, None]
        potential, sent = self._constant(start, f"{node.name}.start"), []
        leak = None
        if self._network.config.neuron == "lif":
            leak = self._constant(parts.leak[:, None, None], f"{node.name}.leak")
        for step, now in enumerate(self._split(current), 1):
            name = f"{node.name}.{step}"
            if leak is not None:
                potential = self._add("Mul", [leak, potential], f"{name}.left")
            charged = self._add("Add", [potential, now], f"{name}.charged")
            fires = self._add("GreaterOrEqual", [charged, threshold], f"{name}.fires")
            sent.append(self._add("Cast", [fires], f"{name}.spikes", to=1))
            reset = self._add("Mul", [threshold, sent[-1]], f"{name}.reset")
            potential = self._add("Sub", [charged, reset], f"{name}.potential")
        return sent[0] if len(sent) == 1 else self._add("Concat", sent, node.name, axis=0)

    def _digits(self, node: nodes.Neurons, total: str) -> str:
        """Return what the digits of weighted neurons add up to, as `quantiser.quantise` does."""
        threshold, initial, _ = self._network.neurons[node.name]
        levels = np.float32(2**self._timesteps)
        scale = self._constant((levels / threshold)[:, None, None], f"{node.name}.scale")
        start = self._constant(initial[:, None, None], f"{node.name}.start")
        charge = self._add("Mul", [total, scale], f"{node.name}.charge")
        charge = self._add("Add", [charge, start], f"{node.name}.charged")
        number = self._add("Floor", [charge], f"{node.name}.number")
        ends = [self._constant(np.float32(end)) for end in (0, levels - 1)]
        number = self._add("Clip", [number, *ends], f"{node.name}.clipped")
        return self._add("Mul", [number, self._constant(np.float32(1 / levels))], node.name)

    def _split(self, value: str) -> list[str]:
        """Return the timesteps of a value that has them along its batch."""
        if self._steps == 1:
            return [value]
        names = [f"{value}.step{step}.{len(self.nodes)}" for step in range(self._steps)]
        self._make("Split", [value], names, axis=0, num_outputs=self._steps)
        return names

    def _unshuffle(self, value: str, factor: int, channels: int, name: str) -> str:
        """Torch's order: all positions of a channel, then the next; ONNX has it the other way."""
        if factor == 1:
            return value
        packed = self._add("SpaceToDepth", [value], f"{name}.packed", blocksize=factor)
        order = np.arange(channels * factor**2).reshape(factor**2, channels).T.ravel()
        return self._add("Gather", [packed, self._constant(order)], name, axis=1)

    def _shuffle(self, value: str, factor: int, name: str) -> str:
        if factor == 1:
            return value
        return self._add("DepthToSpace", [value], name, blocksize=factor, mode="CRD")

    def _constant(self, value: NDArray[Any] | np.float32, name: str | None = None) -> str:
        from onnx import numpy_helper

        name = name or f"constant.{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.array(value), name))
        return name

    def _add(self, kind: str, inputs: list[str], name: str, **attributes: Any) -> str:  # noqa: ANN401
        self._make(kind, inputs, [name], **attributes)
        return name

    def _make(self, kind: str, inputs: list[str], outputs: list[str], **attributes: Any) -> None:  # noqa: ANN401
        from onnx import helper

        self.nodes.append(helper.make_node(kind, inputs, outputs, outputs[0], **attributes))
