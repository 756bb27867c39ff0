"""How often the layers of a network fire, as a table, as a record and as CSV."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from spiden_cli.report.console import data, titled
from spiden_cli.report.csv_files import write_csv
from spiden_cli.report.numbers import quantity

if TYPE_CHECKING:
    from spiden_cli.core.exchange.recorded_picture import RecordedPicture
    from spiden_cli.core.exchange.recording import LayerSpikes, Recording

SHOWN = 4  # timesteps that a row of the table has room for


@dataclass(frozen=True)
class LayerRates:
    """How often one layer fires.

    Attributes:
        layer: its name.
        neurons: at each position.
        population: of them, for each channel.
        height: rows of positions.
        width: columns of positions.
        spikes: in all.
        spikes_per_neuron: per inference, in [0, T].
        rate: spikes per neuron and timestep, in [0, 1].
        rates: the same of each timestep.
        silent: share of neurons that sent none.
    """

    layer: str
    neurons: int
    population: int
    height: int
    width: int
    spikes: int
    spikes_per_neuron: float
    rate: float
    rates: list[float]
    silent: float

    @classmethod
    def of(cls, layer: "LayerSpikes") -> "LayerRates":
        """Count the spikes of a layer."""
        steps, neurons, height, width = layer.shape
        by_step = [int(count) for count in layer.counts().sum(1)]
        slots, spikes = neurons * height * width, sum(by_step)
        return cls(
            layer.name, neurons, layer.population, height, width, spikes, spikes / slots,
            spikes / (slots * steps), [count / slots for count in by_step], layer.silent(),
        )  # fmt: skip


@dataclass(frozen=True)
class SpikesReport:
    """The spikes for one picture.

    Attributes:
        source: the picture.
        output: the file with the spikes.
        model: the name of the model, or its file.
        neuron: "if", "lif" or "weighted".
        timesteps: T.
        sigma: noise level that the network was told, in 8-bit units; None where it was a map.
        layers: in the order of the data.
    """

    source: Path
    output: Path
    model: str
    neuron: str
    timesteps: int
    sigma: float | None
    layers: list[LayerRates]

    @classmethod
    def of(cls, source: Path, output: Path, recorded: "RecordedPicture") -> "SpikesReport":
        """Count what was recorded."""
        recording = recorded.recording
        layers = [LayerRates.of(layer) for layer in recording.layers.values()]
        return cls(
            source, output, recorded.choice.loaded.name, recording.neuron, recording.timesteps,
            recorded.sigma, layers,
        )  # fmt: skip

    @property
    def rate(self) -> float:
        """Spikes per neuron and timestep over all layers."""
        slots = sum(layer.neurons * layer.height * layer.width for layer in self.layers)
        return sum(layer.spikes for layer in self.layers) / (slots * self.timesteps)

    def about(self) -> dict[str, Any]:
        """Return what the file with the spikes says of where they come from."""
        return {"picture": self.source.name, "model": self.model, "sigma": self.sigma}

    def as_json(self) -> dict[str, Any]:
        """Return the record that `--json` prints."""
        record = {**asdict(self), "source": str(self.source), "output": str(self.output)}
        return {**record, "rate": self.rate}


def write_rates(path: Path, recording: "Recording") -> None:
    """Write a line for each layer, neuron and timestep: its spikes over all positions.

    Raises:
        OutputError: the file can't be written.
    """
    rows = [
        {
            "layer": name,
            "channel": neuron % layer.channels,
            "neuron": neuron // layer.channels,
            "timestep": step,
            "spikes": int(spikes),
            "rate": int(spikes) / (layer.shape[2] * layer.width),
        }
        for name, layer in recording.layers.items()
        for step, counts in enumerate(layer.counts(), 1)
        for neuron, spikes in enumerate(counts)
    ]
    write_csv(path, rows)


def print_spikes(report: SpikesReport) -> None:
    """Print a row for each layer, and where the spikes are."""
    told = "" if report.sigma is None else f", sigma {report.sigma:.1f}"
    data.print(
        titled(report.source.name, f"  {report.model}, {report.neuron}, T = {report.timesteps}")
        .append(told)
    )  # fmt: skip
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("layer", overflow="fold")
    for heading in ("neurons", "spikes", "s/n", "silent", "rate"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("rate by timestep", overflow="fold")
    more = " ..." if report.timesteps > SHOWN else ""
    for layer in report.layers:
        table.add_row(
            layer.layer,
            f"{layer.neurons}x{layer.height}x{layer.width}",
            quantity(layer.spikes),
            f"{layer.spikes_per_neuron:.2f}",
            f"{layer.silent:.0%}",
            f"{layer.rate:.3f}",
            " ".join(f"{rate:.2f}" for rate in layer.rates[:SHOWN]) + more,
        )
    data.print(table)
    data.print(f"{report.rate:.3f} spikes per neuron and timestep over these layers")
    data.print(f"written to {report.output}", soft_wrap=True)
