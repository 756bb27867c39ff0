"""What denoising did, as a picture: noisy, denoised, removed, and where the neurons fired."""

import math
from pathlib import Path
from typing import TYPE_CHECKING

from spiden_cli.errors import InputError, OutputError
from spiden_cli.report.differences import amplification, difference_panel
from spiden_cli.report.panels import SIDE, Panel, draw_page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spiden_cli.core.engine.firing import FiringMap
    from spiden_cli.core.image.picture import Picture
    from spiden_cli.core.image.region import Region
    from spiden_cli.report.denoising import DenoiseReport

SUFFIX = ".png"
MARK = "_compare"
CUTOUT = 120  # pixels a side: each is 4 x 4 of the page


def plan_comparisons(
    sources: "Sequence[Path]", into: Path, is_folder: bool | None = None
) -> dict[Path, Path]:
    """Choose where the comparison of each picture goes; makes nothing.

    Args:
        sources: the noisy pictures.
        into: a PNG file, for a single picture; or a folder, yet to be made if need be, for
            NAME_compare.png of each.
        is_folder: which of both; None to tell it by the name.

    Raises:
        InputError: several pictures would go into one file.
        OutputError: the suffix isn't supported.
    """
    from spiden_cli.core.files.outputs import distinct_names, names_a_folder

    if names_a_folder(into) if is_folder is None else is_folder:
        names = distinct_names(sources)
        return {s: into / f"{name}{MARK}{SUFFIX}" for s, name in zip(sources, names, strict=True)}
    if into.suffix.lower() != SUFFIX:
        raise OutputError(f"can't write {into}: --compare takes a {SUFFIX} file, or a folder")
    if len(sources) > 1:
        raise InputError(
            f"{len(sources)} pictures can't be compared in one file: give --compare a folder"
        )
    return dict.fromkeys(sources, into)


def draw_comparison(
    path: Path,
    noisy: "Picture",
    denoised: "Picture",
    firing: "FiringMap | None",
    report: "DenoiseReport",
) -> None:
    """Draw what became of a picture beside it: all of it, and below a part enlarged.

    What was removed is amplified by a factor that is stated; mid-grey is zero. The part is chosen
    where structure is strong and noise plain to see (`views.choose_cutout`).

    Args:
        path: PNG file.
        noisy: what was read.
        denoised: of the same size and kind.
        firing: where the neurons fired; None of a CNN.
        report: the numbers.

    Raises:
        OutputError: the file can't be written.
    """
    from spiden_cli.core.atomic import atomic_path
    from spiden_cli.core.files.origin import drawn_by_spiden
    from spiden_cli.core.image.showing import before_and_after
    from spiden_cli.core.image.views import choose_cutout, look, look_closely

    cutout = choose_cutout(noisy.pixels, denoised.pixels, denoised.levels, CUTOUT)
    before, after, stretch = before_and_after(noisy, denoised)
    views = [(look(p, SIDE), look_closely(p, cutout)) for p in (before, after)]
    wholes, parts = zip(*views, strict=True)
    factor = amplification(report.removed * stretch)
    panels = [
        Panel("noisy", _of_noisy(report), *views[0]),
        Panel("denoised", _of_denoised(report), *views[1]),
        difference_panel("removed", report.removed, factor, wholes, parts),
    ]
    if firing is not None:
        panels.append(_firing(report, firing, cutout))
    page = draw_page(_heading(report), [panels], (noisy.height, noisy.width), cutout)
    with atomic_path(path) as temporary:
        page.save(temporary, "PNG", pnginfo=drawn_by_spiden())


def show_denoised(noisy: "Picture", denoised: "Picture") -> None:
    """Draw a picture before and after in the terminal, with the part that `draw_comparison` shows.

    Args:
        noisy: what was read.
        denoised: of the same size and kind.
    """
    from spiden_cli.core.image.showing import before_and_after
    from spiden_cli.core.image.views import choose_cutout
    from spiden_cli.report.terminal_pictures import show

    before, after, _ = before_and_after(noisy, denoised)
    show(
        {"noisy": before, "denoised": after},
        lambda side: choose_cutout(noisy.pixels, denoised.pixels, denoised.levels, side),
    )


def _heading(report: "DenoiseReport") -> str:
    size = f"{report.width} x {report.height}"
    time = f", T = {report.timesteps}" if report.spiking else ""
    return f"{report.source.name}: {size}; model {report.model_name}{time}"


def _of_noisy(report: "DenoiseReport") -> tuple[str, ...]:
    kind = f"{'colour' if report.colour else 'grey'}, {report.values}"
    return (*_decibels(report.noisy_psnr), report.noise_found or kind)


def _of_denoised(report: "DenoiseReport") -> tuple[str, ...]:
    changed = (report.adjustment,) if report.adjustment else ()
    return (*_decibels(report.psnr), f"sigma {report.level}", *changed)


def _decibels(psnr: float | None) -> tuple[str, ...]:
    return () if psnr is None else (f"PSNR {psnr:.2f} dB",)


def _firing(report: "DenoiseReport", firing: "FiringMap", cutout: "Region") -> Panel:
    import numpy as np

    from spiden_cli.core.image.picture import Range
    from spiden_cli.core.image.pixels import in_8_bit_units

    ends = rate_scale(firing)
    rows, columns = (np.arange(s.start, s.stop) // firing.scale for s in cutout.window)
    inside = firing.rate[: -(-report.height // firing.scale), : -(-report.width // firing.scale)]
    facts = "spikes per neuron and timestep", f"mean {report.firing_rate:.3f}"
    whole, part = (
        in_8_bit_units(view[..., None], Range(*ends))
        for view in (inside, firing.rate[np.ix_(rows, columns)])
    )
    return Panel("firing rate", facts, whole, part, ends)


def rate_scale(firing: "FiringMap") -> tuple[float, float]:
    """Return the rates that the ends of a colour bar stand for: around all but few."""
    import numpy as np

    return _ends(*(float(end) for end in np.quantile(firing.rate, (0.002, 0.998))))


def _ends(low: float, high: float) -> tuple[float, float]:
    """Return round numbers around two rates, for a scale to begin and to end with."""
    if high <= 0:
        return 0.0, 1.0
    decade = 10.0 ** math.floor(math.log10(high))
    step = decade * (0.5 if high > 1.5 * decade else 0.2)
    first, last = math.floor(low / step), math.ceil(high / step)
    return first * step, max(last, first + 1) * step
