"""What bundled models scored on data sets, kept in a file as it is measured: used by results.py.

A cell is one model on one set at one noise level and T, with one draw of the noise or several. Each
draw is added to the file as soon as it is there, so that a run which was interrupted goes on where
it ended. A cell that was measured with other weights is forgotten. Times are not kept: they are the
matter of inference.py.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

from spiden_cli.core.atomic import atomic_path
from spiden_cli.core.engine.activity import Activity, LayerActivity, sum_activities
from spiden_cli.core.tasks.evaluation import Evaluation, ImageScore

DIGITS = 5
"""Of decibels behind the point."""

COUNTED = ("set12", 25.0)
"""The set and level of which spikes are kept layer by layer, for the energy; of all it would
be megabytes."""


@dataclass(frozen=True)
class Key:
    """Names a cell."""

    model: str
    dataset: str
    sigma: float | None
    timesteps: int

    def __str__(self) -> str:
        level = "auto" if self.sigma is None else f"{self.sigma:g}"
        return f"{self.model} on {self.dataset}, sigma {level}, T = {self.timesteps}"


class Cells:
    """The cells of a file.

    Args:
        path: the file; it need not be there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        text = path.read_text(encoding="utf-8") if path.exists() else "{}"
        self._records: dict[str, dict[str, Any]] = json.loads(text)

    def find(self, key: Key, weights: str) -> Evaluation | None:
        """Return what is known of a cell, if that was measured with these weights.

        Args:
            key: the cell.
            weights: hash of the weights file.
        """
        record = self._records.get(str(key))
        if record is None or record["weights"] != weights:
            return None
        images = tuple(_image(values) for values in record["images"])
        return Evaluation(key.sigma, key.timesteps, images, tuple(record["seeds"]))

    def add(self, key: Key, weights: str, found: Evaluation) -> Evaluation:
        """Add draws of the noise to a cell, and write the file.

        Args:
            key: the cell.
            weights: hash of the weights file.
            found: of draws that the cell does not have.

        Returns:
            The cell with all of its draws.
        """
        known = self.find(key, weights)
        whole = found if known is None else joined(known, found)
        counted = (key.dataset, key.sigma) == COUNTED
        self._records[str(key)] = {
            "weights": weights,
            "seeds": list(whole.seeds),
            "images": [_record(image, counted) for image in whole.scores],
        }
        self._write()
        return whole

    def _write(self) -> None:
        cells = sorted(self._records.items())
        lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(cell)}" for name, cell in cells)
        with atomic_path(self._path) as partial:
            partial.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


def joined(one: Evaluation, other: Evaluation) -> Evaluation:
    """Return an evaluation with the draws of two, of the same images."""
    scores = zip(one.scores, other.scores, strict=True)
    return replace(
        one, seeds=one.seeds + other.seeds, scores=tuple(_joined(*pair) for pair in scores)
    )


def _joined(one: ImageScore, other: ImageScore) -> ImageScore:
    weights = len(one.psnrs), len(other.psnrs)

    def mean(quantity: str) -> float:
        return fmean((getattr(one, quantity), getattr(other, quantity)), weights)

    return replace(
        one,
        passes=one.passes + other.passes,
        noisy_psnr=mean("noisy_psnr"),
        psnr=mean("psnr"),
        ssim=mean("ssim"),
        activity=sum_activities([one.activity, other.activity]),
        operations=mean("operations"),
        psnrs=one.psnrs + other.psnrs,
    )


def _record(image: ImageScore, counted: bool) -> dict[str, Any]:
    return {
        "name": image.name,
        "height": image.height,
        "width": image.width,
        "passes": image.passes,
        "sigma": image.sigma,
        "noisy_psnr": round(image.noisy_psnr, DIGITS),
        "ssim": round(image.ssim, DIGITS),
        "operations": round(image.operations, 1),
        "psnrs": [round(value, DIGITS) for value in image.psnrs],
        "activity": {name: astuple(layer) for name, layer in image.activity.items() if counted},
    }


def _image(record: dict[str, Any]) -> ImageScore:
    activity: Activity = {
        name: LayerActivity(*numbers) for name, numbers in record["activity"].items()
    }
    psnrs: Sequence[float] = record["psnrs"]
    given = record | {"activity": activity, "psnrs": tuple(psnrs)}
    return ImageScore(**given, psnr=fmean(psnrs), estimate=None, seconds=math.nan)
