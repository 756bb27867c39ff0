"""`spiden noise`: noise of a known kind on a clean picture, to try a denoiser on."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spiden_cli.commands.options import AsJson, Overwrite, Seed, one_sigma
from spiden_cli.errors import InputError
from spiden_cli.report.console import print_json, reporting_on
from spiden_cli.report.noising import NoiseReport, print_noise
from spiden_cli.report.progress import counting

if TYPE_CHECKING:
    import torch

    from spiden_cli.core.image.picture import Picture
    from spiden_cli.core.noise.camera import Cameras
    from spiden_cli.core.noise.model import Gaussian, PoissonGaussian

KINDS = ("camera", "white", "poisson")
DEFAULT_ISO, DEFAULT_SIGMA, DEFAULT_PHOTONS = 3200.0, "25", 100.0
LEAST_PHOTONS = 0.001


def noise(
    picture: Annotated[Path, typer.Argument(help="A clean picture.", metavar="PICTURE")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="File; by default NAME_noisy.png beside the picture.",
            show_default=False,
        ),
    ] = None,
    kind: Annotated[
        str,
        typer.Option(
            help="camera: a random camera's, developed to JPEG. white: Gaussian. poisson: counts."
        ),
    ] = "camera",
    iso: Annotated[
        float | None,
        typer.Option(
            help=f"Sensitivity of the camera, 50 to 204800 [{DEFAULT_ISO:g}].", show_default=False
        ),
    ] = None,
    sigma: Annotated[
        str | None,
        typer.Option(
            help=f"Level of white noise, in 8-bit units [{DEFAULT_SIGMA}].", show_default=False
        ),
    ] = None,
    photons: Annotated[
        float | None,
        typer.Option(help=f"Counts at white [{DEFAULT_PHOTONS:g}].", show_default=False),
    ] = None,
    seed: Seed = 0,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Add noise to a clean picture: a random camera's (--seed picks it), white, or of counts."""
    _check(kind, {"iso": iso, "sigma": sigma, "photons": photons})
    target = picture.with_name(f"{picture.stem}_noisy.png") if output is None else output
    from spiden_cli.core.files.picture_files import check_output, read_picture, write_picture
    from spiden_cli.core.preflight import check_writes

    check_output(target)
    check_writes([picture], [target], overwrite=overwrite, hint="choose another --output")
    clean = read_picture(picture)
    check_output(target, clean.width, clean.height)
    import torch

    from spiden_cli.core.tasks.noising import add_noise

    generator = torch.Generator().manual_seed(seed)
    added = _noise(kind, iso, sigma, photons, clean, generator)
    with counting(f"adding noise to {picture.name}") as on_tile:
        noised = add_noise(clean, added, generator, on_tile)
    write_picture(target, noised.picture)
    report = NoiseReport.of(picture, target, kind, seed, added, noised)
    with reporting_on([target]):
        if as_json:
            print_json(report.as_json())
        else:
            print_noise(report)


def _check(kind: str, given: dict[str, object]) -> None:
    """Refuse an unknown kind, and an option of another kind than the one that is asked for."""
    if kind not in KINDS:
        raise InputError(f"unknown kind of noise {kind!r}: choose one of {', '.join(KINDS)}")
    own = dict(zip(("iso", "sigma", "photons"), KINDS, strict=True))
    for name, value in given.items():
        if value is not None and own[name] != kind:
            raise InputError(f"--{name} is for --kind {own[name]}: leave it out, or ask for that")


def _noise(
    kind: str, iso: float | None, sigma: str | None, photons: float | None, clean: "Picture",
    generator: "torch.Generator",
) -> "Gaussian | PoissonGaussian | Cameras":  # fmt: skip
    from spiden_cli.core.noise.camera import draw_cameras
    from spiden_cli.core.noise.model import Gaussian, PoissonGaussian

    if kind == "white":
        return Gaussian(one_sigma(DEFAULT_SIGMA if sigma is None else sigma))
    if kind == "poisson":
        count = DEFAULT_PHOTONS if photons is None else photons
        if not LEAST_PHOTONS <= count <= 1e7:
            raise InputError(
                f"the photons must be from {LEAST_PHOTONS:g} to 10 million, not {count:g}"
            )
        return PoissonGaussian(gain=clean.levels.span / count, offset=clean.levels.black)
    sensitivity = DEFAULT_ISO if iso is None else iso
    if not 50 <= sensitivity <= 204_800:
        raise InputError(f"the ISO must lie in 50 to 204800, not {sensitivity:g}")
    return draw_cameras(1, generator, (sensitivity, sensitivity))
