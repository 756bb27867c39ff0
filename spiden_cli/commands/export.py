"""`spiden export`: a network for other programs: NIR, ONNX, integers."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spiden_cli.commands.options import AsJson, Overwrite
from spiden_cli.errors import InputError
from spiden_cli.report.console import print_json
from spiden_cli.report.export import ExportReport, print_export

if TYPE_CHECKING:
    from spiden_cli.core.network.folding import FoldedNetwork

FORMATS = {"nir": ".nir", "onnx": ".onnx", "int8": ".npz"}
DEFAULT_SIZE = "64x64"


def export(
    model: Annotated[
        str, typer.Argument(help="A bundled model by name, or a weights file.", metavar="MODEL")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="File; by default NAME.nir, NAME.onnx or NAME-int8.npz here.",
            show_default=False,
        ),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--format", metavar="NAME", show_default=False,
            help="nir: for simulators of spikes and chips. onnx: for runtimes. int8: whole numbers "
            "for numpy. By default by the suffix of --output.",
        ),
    ] = None,
    timesteps: Annotated[
        int | None,
        typer.Option(
            help="T, part of the file; by default what the model was trained for.",
            show_default=False,
        ),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(
            help=f"Width and height of the picture, for NIR alone [{DEFAULT_SIZE}].",
            metavar="WxH", show_default=False,
        ),
    ] = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Write a network for other programs: as NIR, as ONNX, or in integers."""
    kind = _format(form, output)
    if size is not None and kind != "nir":
        raise InputError(f"--size is for --format nir: {kind} takes pictures of any size")
    width, height = _size(size or DEFAULT_SIZE)
    from spiden_cli.core.bundled import find_weights
    from spiden_cli.core.engine.engine import check_timesteps
    from spiden_cli.core.preflight import check_writes
    from spiden_cli.core.weights import load_folded

    path = find_weights(model)
    stem = path.stem + ("-int8" if kind == "int8" else "")
    target = Path(f"{stem}{FORMATS[kind]}") if output is None else output
    check_writes([path], [target], overwrite=overwrite, hint="choose another --output")
    if timesteps is not None:
        check_timesteps(timesteps)
    network, info = load_folded(path)
    if timesteps is not None and not network.config.spiking:
        raise InputError("a CNN has no timesteps: leave out --timesteps")
    steps = info.timesteps[0] if timesteps is None else timesteps
    facts = _write(kind, target, network, steps, height, width)
    report = ExportReport(
        model, target, kind, network.config.neuron, steps if network.config.spiking else None,
        target.stat().st_size, facts,
    )  # fmt: skip
    if as_json:
        print_json(report.as_json())
    else:
        print_export(report)


def _format(form: str | None, output: Path | None) -> str:
    by_suffix = {suffix: name for name, suffix in FORMATS.items()}
    if form is None:
        found = by_suffix.get(output.suffix.lower()) if output is not None else None
        if found is None:
            raise InputError(
                f"say which format: --format {', '.join(FORMATS)}, or a file that ends in "
                f"{', '.join(by_suffix)}"
            )
        return found
    if form not in FORMATS:
        raise InputError(f"unknown format {form!r}: choose one of {', '.join(FORMATS)}")
    return form


def _size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text)
    if found is None:
        raise InputError(f"a size must look like {DEFAULT_SIZE}, width and height; not {text!r}")
    return int(found[1]), int(found[2])


def _write(
    kind: str, target: Path, network: "FoldedNetwork", steps: int, height: int, width: int
) -> dict[str, object]:
    """Write the file, and return what there is to say of it."""
    if kind == "nir":
        from spiden_cli.core.exchange.nir_graph import write_nir

        count = write_nir(target, network, height, width, steps)
        return {"nodes": count, "width": width, "height": height}
    if kind == "onnx":
        from spiden_cli.core.exchange.onnx_graph import write_onnx

        return {"nodes": write_onnx(target, network, steps), "grid": network.graph.grid}
    from spiden_cli.core.exchange.integer_network import write_integers

    made = write_integers(target, network, steps)
    return {"grid": network.graph.grid, "bits": dict(made.bits)}
