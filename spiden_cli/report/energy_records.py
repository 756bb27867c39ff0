"""What `spiden energy` found, as records for JSON and CSV."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spiden_cli.report.csv_files import write_csv as write_rows

if TYPE_CHECKING:
    from spiden_cli.core.energy.comparison import Comparison, LayerCost, Verdict
    from spiden_cli.core.energy.layer_counts import Operations
    from spiden_cli.core.energy.measurement import Measurement


@dataclass(frozen=True)
class EnergyReport:
    """One spiking network at one noise level and number of timesteps.

    Attributes:
        source: name of the picture, the folder or the data set.
        model: name or file of the weights.
        comparison: the core's result.
        twin: the CNN twin on the same pictures, if its weights are there.
    """

    source: str
    model: str
    comparison: "Comparison"
    twin: "Measurement | None"

    @property
    def label(self) -> str:
        """The model, without folder and suffix."""
        return Path(self.model).stem if self.model.endswith(".safetensors") else self.model

    @property
    def measurement(self) -> "Measurement":
        """What was measured."""
        return self.comparison.measurement

    def verdict(self, key: tuple[str, str]) -> "Verdict":
        """Return the verdict of an energy model and format, by their names."""
        return self.comparison.verdict(*key)

    def per_image(self, value: float) -> float:
        """Return the mean over the pictures of a sum over them."""
        return value / self.measurement.images

    def as_json(self) -> dict[str, Any]:
        """Return the record for JSON and CSV; pixels, operations and joules are per picture.

        A ratio or a break-even point may be infinite.
        """
        measured, comparison = self.measurement, self.comparison
        return {
            "source": self.source,
            "model": self.model,
            "neuron": measured.config.neuron,
            "images": measured.images,
            "pixels": self._count(measured.pixels),
            "sigma": measured.sigma,
            "timesteps": measured.timesteps,
            "latency": comparison.latency,
            "noisy_psnr": measured.noisy_psnr,
            "psnr": measured.psnr,
            "cnn_psnr": self.twin.psnr if self.twin else None,
            "spikes_per_neuron": comparison.spikes_per_neuron,
            "spikes_per_channel": comparison.spikes_per_channel,
            "quantised_bits": comparison.equivalent_bits,
            "operations": self._operations(comparison.operations),
            "energy": [self._verdict(verdict) for verdict in comparison.verdicts],
            "layers": [self._layer(layer) for layer in comparison.layers],
        }

    def _operations(self, operations: "Operations") -> dict[str, float]:
        return {what: self._count(number) for what, number in asdict(operations).items()}

    def _count(self, number: int) -> float:
        """Return the mean of a count over the pictures; whole, where it is."""
        whole, left = divmod(number, self.measurement.images)
        return self.per_image(number) if left else whole

    def _verdict(self, verdict: "Verdict") -> dict[str, Any]:
        return {
            "model": verdict.model,
            "format": verdict.precision.name,
            "joules": self.per_image(verdict.energy),
            "break_even_spikes_per_neuron": verdict.break_even,
            "baselines": {k: self.per_image(joules) for k, joules in verdict.baselines.items()},
            "ratios": {k: verdict.ratio(k) for k in verdict.baselines},
        }

    def _layer(self, layer: "LayerCost") -> dict[str, Any]:
        return {
            "name": layer.name,
            "spikes_per_neuron": layer.spikes_per_neuron,
            "spikes_per_channel": layer.spikes_per_channel,
            "dense_operations": self._count(layer.dense_operations),
            "operations": self._operations(layer.operations),
            "energy": [
                {
                    "model": model,
                    "format": number_format,
                    "joules": {k: self.per_image(joules) for k, joules in terms.items()},
                    "cnn_joules": self.per_image(layer.dense_energy[model, number_format]),
                    "break_even_spikes_per_neuron": None
                    if layer.break_even is None
                    else layer.break_even[model, number_format],
                }
                for (model, number_format), terms in layer.energy.items()
            ],
        }


def write_csv(path: Path, reports: Sequence[EnergyReport]) -> None:
    """Write a line for each setting, energy model and format: totals, then layer by layer.

    Raises:
        OutputError: the file can't be written.
    """
    write_rows(path, [row for report in reports for row in _rows(report)])


def _rows(report: EnergyReport) -> list[dict[str, Any]]:
    record = report.as_json()
    setting = {
        key: record[key]
        for key in ("source", "model", "sigma", "timesteps", "images", "psnr", "cnn_psnr")
    }
    rows = []
    for verdict in record["energy"]:
        baselines = {f"{key}_joules": joules for key, joules in verdict["baselines"].items()}
        rows.append(
            setting
            | {
                "layer": "all",
                "spikes_per_neuron": record["spikes_per_neuron"],
                "spikes_per_channel": record["spikes_per_channel"],
                "energy_model": verdict["model"],
                "format": verdict["format"],
                "joules": verdict["joules"],
                "break_even_spikes_per_neuron": verdict["break_even_spikes_per_neuron"],
            }
            | record["operations"]
            | baselines
        )
    others = [key for key in baselines if key != "cnn_same_format_joules"]
    for layer in record["layers"]:
        for priced in layer["energy"]:
            rows.append(
                setting
                | {
                    "layer": layer["name"],
                    "spikes_per_neuron": layer["spikes_per_neuron"],
                    "spikes_per_channel": layer["spikes_per_channel"],
                    "energy_model": priced["model"],
                    "format": priced["format"],
                    "joules": sum(priced["joules"].values()),
                    "break_even_spikes_per_neuron": priced["break_even_spikes_per_neuron"],
                }
                | layer["operations"]
                | {"cnn_same_format_joules": priced["cnn_joules"]}
                | dict.fromkeys(others)
            )
    return rows
