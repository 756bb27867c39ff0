"""From an upload to what is sent back; the same work as `spiden denoise` does, by the same core.

Files have names of ours, in a folder of this user's, and go with the answer; should the process be
killed, the next one removes them.
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import copyfileobj
from typing import Any, BinaryIO, NamedTuple

from spiden_cli.core.files.finding import Source
from spiden_cli.core.files.outputs import Naming
from spiden_cli.core.files.picture_files import check_quality, suffix_by_content
from spiden_cli.core.tasks.denoising import OnTile
from spiden_cli.core.tasks.files import Done, denoise_file
from spiden_cli.core.tasks.model import Model
from spiden_cli.core.tasks.settings import Files, Settings
from spiden_cli.core.temporary import private_folder
from spiden_cli.errors import SpidenError
from spiden_cli.report.denoising import DenoiseReport
from spiden_cli.web.views import Views, firing_view

__all__ = ["Answer", "Part", "Upload", "denoise_upload"]

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_LONGEST_NAME = 120
_OF_THIS_MACHINE = ("comparison", "mask", "region")


@dataclass(frozen=True)
class Upload:
    """What was sent.

    Attributes:
        file: the content.
        name: as the sender calls it.
        suffix: of the format to write; None: the picture's own.
        settings: how to denoise it.
    """

    file: BinaryIO
    name: str
    suffix: str | None
    settings: Settings


class Part(NamedTuple):
    """A file that is sent back.

    Attributes:
        name: what it is.
        file: its name.
        content: of it.
    """

    name: str
    file: str
    content: bytes


class Answer(NamedTuple):
    """What is sent back.

    Attributes:
        result: the denoised picture, in a format of its own.
        report: what was done, as `spiden denoise --json` says it.
        views: what the page shows.
    """

    result: Part
    report: dict[str, Any]
    views: tuple[Part, ...] = ()


def denoise_upload(model: Model, upload: Upload, with_views: bool, on_tile: OnTile) -> Answer:
    """Denoise a picture that was uploaded.

    Args:
        model: denoises.
        upload: the picture, and how.
        with_views: also make what the page shows.
        on_tile: told the number of tiles done, and of all.

    Raises:
        SpidenError: the picture can't be read, denoised or written.
    """
    shown = _plain_name(upload.name)
    with private_folder() as folder:
        suffix = shown.suffix if re.fullmatch(r"\.\w{1,9}", shown.suffix) else ""
        source = folder / f"sent{suffix}"
        with source.open("wb") as stream:
            copyfileobj(upload.file, stream)
        try:
            return _denoise(model, upload, with_views, on_tile, shown, source)
        except SpidenError as error:
            raise type(error)(str(error).replace(str(source), str(shown))) from error


def _plain_name(name: str) -> Path:
    """Return a name of a file alone, whatever the sender made of it."""
    last = re.split(r"[/\\]", name)[-1]
    return Path(_CONTROLS.sub("_", last).strip(". ")[-_LONGEST_NAME:] or "picture")


def _denoise(
    model: Model,
    upload: Upload,
    with_views: bool,
    on_tile: OnTile,
    shown: Path,
    source: Path,
) -> Answer:
    named = shown if shown.suffix else shown.with_suffix(suffix_by_content(source))
    result = Naming(suffix=upload.suffix).target(Source(named))
    check_quality(result, upload.settings.quality)
    target = source.with_name(f"denoised{result.suffix}")
    settings = replace(upload.settings, alone=False, map_firing=with_views)
    notes: list[str] = []
    job = Files(source, target, shown=shown)
    try:
        done = denoise_file(model, settings, job, notes.append, on_tile)
    except SpidenError as error:
        raise type(error)(str(error).replace(str(target), result.name)) from error
    report = DenoiseReport.of(job, done).as_json()
    for field in _OF_THIS_MACHINE:
        del report[field]
    report |= {"output": result.name, "notes": [*notes, *done.result.notes]}
    part = Part("result", result.name, target.read_bytes())
    if not with_views:
        return Answer(part, report)
    views, more = _views(done)
    return Answer(part, report | more, views)


def _views(done: Done) -> tuple[tuple[Part, ...], dict[str, Any]]:
    """Return what the page shows, and what it says of it."""
    noisy, result = done.picture, done.result
    made = Views(noisy, result.image, result.removed)
    parts = [
        Part("noisy", "noisy.png", made.noisy),
        Part("denoised", "denoised.png", made.denoised),
        Part("removed", "removed.png", made.removed),
    ]
    layers = []
    if (firing := result.firing_map) is not None:
        for name, layer in {"": firing, **firing.layers}.items():
            content, (low, high) = firing_view(layer, noisy.height, noisy.width)
            parts.append(Part("layer", f"{name or 'all'}.png", content))
            activity = result.activity.get(name)
            rate = float(firing.rate.mean()) if activity is None else activity.firing_rate
            layers.append({"name": name or None, "firing_rate": rate, "low": low, "high": high})
    shown = {"width": made.width, "height": made.height}
    return tuple(parts), {"shown": shown, "amplification": made.amplification, "layers": layers}
