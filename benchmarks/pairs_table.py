"""Real photographs beside classical denoisers, a table of results.py; see classical.py."""

import json
from collections.abc import Callable, Sequence
from statistics import fmean

from classical import figures_of

from spiden_cli.core.tasks.evaluation import Evaluation

DATASET = "nam25"
LEVELS = (2.0, 4.0, 6.0, 8.0)

# PSNR in dB as the CBDNet paper prints it (Guo et al. 2019, arXiv 1807.04686).
PUBLISHED = {
    "CDnCNN-B": 37.49,
    "BM3D": 39.84,
    "CBDNet": 40.02,
    "CBDNet, JPEG in its noise model": 41.31,
}


def pairs_table(run: Callable[[float | None], Evaluation]) -> str:
    """Return the table in Markdown.

    Args:
        run: evaluates the default model on the pairs, at a level or, of None, at its own.
    """
    given = {level: run(level) for level in LEVELS}
    best = max(given, key=lambda level: given[level].mean("psnr"))
    auto, single = (_changes(evaluation) for evaluation in (run(None), given[best]))
    classical = {
        method: [(each["noisy_psnr"], each["psnr"]) for each in pictures]
        for method, pictures in json.loads(figures_of(DATASET).read_text()).items()
    }
    measured = {
        "noisy": [(noisy, noisy) for noisy, _ in auto],
        "spiden, automatic": auto,
        f"spiden, sigma {best:g} for all, the best single level": single,
        **classical,
    }
    return "\n".join(
        [
            "| | PSNR, dB | worst change, dB | pictures that got worse |",
            "|---|--:|--:|--:|",
            *(_row(name, pictures) for name, pictures in measured.items()),
            *(f"| {name}, as published | {value:.2f} | - | - |"
              for name, value in PUBLISHED.items()),
        ]
    )  # fmt: skip


def _changes(evaluation: Evaluation) -> list[tuple[float, float]]:
    return [(image.noisy_psnr, image.psnr) for image in evaluation.scores]


def _row(name: str, pictures: Sequence[tuple[float, float]]) -> str:
    changes = [after - before for before, after in pictures]
    mean = fmean(after for _, after in pictures)
    return f"| {name} | {mean:.2f} | {min(changes):+.2f} | {sum(c < 0 for c in changes)} |"
