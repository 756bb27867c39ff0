"""What a network loses on its way to ONNX and to integers: PSNR on Set12, pixels, spikes.

    python benchmarks/exchange.py
    python benchmarks/exchange.py --model base --draws 1 --data-dir ../shared/data

Whole pictures at sigma 25. Integers are computed by integer_pass.py, after it was found to compute
the same as examples/integers/simulate.py in a cut-out, spike for spike. What is measured is kept in
docs/exchange.json, picture by picture and draw by draw of the noise: a run that was interrupted
goes on there, and another measures only what is missing, or of other weights. The section "What it
costs" of docs/exchange.md is written anew from all that is kept there.
"""

import argparse
import json
import tempfile
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from statistics import fmean

import numpy as np
import onnxruntime
from bench import fingerprint
from integer_pass import IntegerPass
from numpy.typing import NDArray
from sections import read_sections, write_sections
from simulate import Simulation
from sizes import spread

from spiden_cli.core.atomic import atomic_path
from spiden_cli.core.bundled import find_weights
from spiden_cli.core.data.datasets import find_dataset
from spiden_cli.core.data.samples import Sample
from spiden_cli.core.engine.dense import DenseEngine
from spiden_cli.core.exchange.integer_network import write_integers
from spiden_cli.core.exchange.onnx_graph import onnx_model
from spiden_cli.core.exchange.recording import record
from spiden_cli.core.tasks.scoring import planes_of
from spiden_cli.core.weights import load_folded

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE, KEPT, TITLE = DOCS / "exchange.md", DOCS / "exchange.json", "What it costs"
DRAWS = {"base": 5, "base-if": 1, "tiny": 5, "base-cnn": 1, "tiny-cnn": 1}
"""Draws of the noise; `base-if` takes minutes for each."""
PICTURES, SIGMA, PROVED = 12, 25.0, 64
"""In Set12; noise level; side of the cut-out in which the two ways to compute are compared."""


@dataclass(frozen=True)
class Score:
    """One picture with one draw of the noise; what was not measured is None.

    Attributes:
        float32, onnx, int8: PSNR in dB.
        pixels, different: pixels, and those of ONNX that differ in 8 bits.
        slots, flipped: neurons times timesteps, and where integers send what float32 does not.
    """

    float32: float
    int8: float | None = None
    onnx: float | None = None
    pixels: int = 0
    different: int = 0
    slots: int = 0
    flipped: int = 0


class Exported:
    """A bundled model, and what became of it.

    Args:
        name: of the model.
        folder: for the network of integers.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.network, info = load_folded(find_weights(name))
        self.timesteps, self.spiking = info.timesteps[0], self.network.config.spiking
        self._engine, self._file = DenseEngine(self.network), folder / f"{name}.npz"

    @cached_property
    def _session(self) -> onnxruntime.InferenceSession:
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = 1
        content = onnx_model(self.network, self.timesteps).SerializeToString()
        return onnxruntime.InferenceSession(content, settings)

    @cached_property
    def bits(self) -> int:
        """Of the widest sum of integers; the network of integers is written."""
        return max(write_integers(self._file, self.network, self.timesteps).bits.values())

    @cached_property
    def _integers(self) -> IntegerPass:
        assert self.bits
        made, simulation = IntegerPass(str(self._file)), Simulation(str(self._file))
        rng = np.random.default_rng(0)
        shape = self.network.config.image_channels, PROVED, PROVED
        pixels = np.rint(rng.normal(128, 60, shape)).astype(np.int64)
        found, expected = (one.denoise(pixels, round(4 * SIGMA)) for one in (made, simulation))
        np.testing.assert_array_equal(found, expected)
        for layer, spikes in simulation.spikes.items():
            np.testing.assert_array_equal(made.spikes_of(layer), spikes)
        return made

    def score(self, sample: Sample, draw: int) -> Score:
        """Run it on a picture; ONNX, and spike by spike, on the first draw of the noise alone."""
        pictures = sample.read(SIGMA, draw)
        noisy, clean = planes_of(pictures.noisy), 255 * planes_of(pictures.clean)
        expected = 255 * self._engine.run(noisy, SIGMA, self.timesteps).denoised
        found: dict[str, float] = {}
        if self.spiking:
            whole = np.rint(255 * noisy).astype(np.int64)
            found["int8"] = decibels(self._integers.denoise(whole, round(4 * SIGMA)), clean)
            if draw == 0:
                found |= self._flipped(whole)
        if draw == 0:
            level = np.array([SIGMA], np.float32)
            (other,) = self._session.run(None, {"noisy": noisy[None], "sigma": level})
            different = eight_bits(255 * other[0]) != eight_bits(expected)
            found |= {"onnx": decibels(255 * other[0], clean), "pixels": different.size}
            found["different"] = int(different.sum())
        return Score(decibels(expected, clean), **found)  # type: ignore[arg-type]

    def _flipped(self, whole: NDArray[np.int64]) -> dict[str, int]:
        seen = record(self.network, (whole / 255).astype(np.float32), SIGMA, self.timesteps)
        slots = flipped = 0
        for layer in self._integers.spikes:
            sent = self._integers.spikes_of(layer)
            slots += sent.size
            flipped += int((seen.layers[layer].spikes != sent).sum())
        return {"slots": slots, "flipped": flipped}


def eight_bits(planes: NDArray[np.floating]) -> NDArray[np.floating]:
    """Clip and round grey levels."""
    return np.rint(planes).clip(0, 255)


def decibels(found: NDArray[np.number], clean: NDArray[np.floating]) -> float:
    """PSNR of grey levels."""
    return round(float(10 * np.log10(255**2 / np.mean((eight_bits(found) - clean) ** 2))), 5)


class Kept:
    """What was measured, by model, picture and draw; kept in a file."""

    def __init__(self) -> None:
        text = KEPT.read_text(encoding="utf-8") if KEPT.exists() else "{}"
        self._models: dict[str, dict] = json.loads(text)

    def of(self, name: str) -> dict:
        """Return what is known of a model as it is now: bits, and scores by picture and draw."""
        known = self._models.get(name, {})
        if known.get("weights") != fingerprint(name):
            known = self._models[name] = {"weights": fingerprint(name), "scores": {}}
        return known

    def write(self) -> None:
        """Write the file, a line for each score."""
        text = json.dumps(self._models, sort_keys=True)
        for start in ('"0', '"1', '"scores'):  # of pictures, which are numbered
            text = text.replace(f"{{{start}", f"{{\n{start}").replace(f", {start}", f",\n{start}")
        with atomic_path(KEPT) as partial:
            partial.write_text(text + "\n", encoding="utf-8")


def measure(name: str, draws: int, data_dir: Path | None, kept: Kept) -> None:
    """Measure what is missing of a model."""
    known = kept.of(name)
    with tempfile.TemporaryDirectory() as folder:
        exported = Exported(name, Path(folder))
        known["bits"] = exported.bits if exported.spiking else None
        for draw in range(draws):
            for sample in find_dataset("set12", data_dir).samples:
                key = f"{sample.clean.name}, draw {draw}"
                if key not in known["scores"]:
                    print(f"{name}: {key}", flush=True)
                    known["scores"][key] = asdict(exported.score(sample, draw))
                    kept.write()


def row(name: str, known: dict) -> str:
    """Return a model's line of the table; it says if not all pictures were measured yet."""
    by_draw: dict[str, list[Score]] = {}
    for key, score in known["scores"].items():
        by_draw.setdefault(key.rpartition(" ")[2], []).append(Score(**score))
    first = by_draw["0"]
    whole = [draw for draw in by_draw.values() if len(draw) == PICTURES] or [first]
    said = f"`{name}`" if len(whole[0]) == PICTURES else f"`{name}`, {len(first)} of {PICTURES}"

    def means(what: str, less: str = "") -> list[float]:
        return [
            fmean(getattr(one, what) - (getattr(one, less) if less else 0) for one in draw)
            for draw in whole
        ]

    onnx = fmean((one.onnx or 0) - one.float32 for one in first)
    different = sum(one.different for one in first) / sum(one.pixels for one in first)
    cells = [said, spread(means("float32"), ".3f"), f"{onnx:+.4f}", f"{different:.2%}"]
    if known["bits"]:
        flipped = sum(one.flipped for one in first) / sum(one.slots for one in first)
        cells += [spread(means("int8"), ".3f"), spread(means("int8", "float32"), "+.3f")]
        cells += [f"{flipped:.1%}", f"{known['bits']} bits"]
    else:
        cells += ["-"] * 4
    return f"| {' | '.join(cells)} |"


def section(kept: Kept) -> str:
    """Write the section."""
    rows = "\n".join(row(name, kept.of(name)) for name in DRAWS if kept.of(name)["scores"])
    return f"""\
Whole pictures of Set12, sigma 25, T = 4, made by `python benchmarks/exchange.py`: PSNR in dB of the
network in float32 (dense engine) and in integers, whose picture is rounded to whole grey levels
first, and what ONNX Runtime and integers add to it. A mean ± a standard deviation is over draws of
the noise, all else of the first; differences are taken draw by draw, on the same noise. Before it
measures, the benchmark finds its integers to be the simulation's, spike for spike, in a cut-out.
Where not all twelve pictures were measured yet, the row is of those that were.

| model | float32 | ONNX adds | pixels differ | int8 | int8 adds | spikes differ | widest sum |
|---|--:|--:|--:|--:|--:|--:|--:|
{rows}

What the networks cost in int8 is among the rest of the energy in [results.md](results.md)."""


def main() -> None:
    """Measure, and write the section."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", choices=DRAWS, action="append", help="these alone")
    parser.add_argument("--draws", type=int, help="of the noise, of each of them")
    parser.add_argument("--data-dir", type=Path, help="folder with set12/")
    options = parser.parse_args()
    kept = Kept()
    for name in options.model or DRAWS:
        measure(name, options.draws or DRAWS[name], options.data_dir, kept)
        write_sections(PAGE, read_sections(PAGE) | {TITLE: section(kept)})


if __name__ == "__main__":
    main()
