"""Two statements of the paper's abstract on energy, with this project's networks: for results.py.

One: energy grows with the timesteps, so that spiking networks win at few of them. Two: a larger
spiking network denoises competitively with less energy than a CNN. Both are read off one table:
each spiking model at each T, over each CNN, under two energy models.
"""

from collections.abc import Mapping

from spiden_cli.core.energy.comparison import SAME, Comparison

MODELS = (("operations", "fp32"), ("lemaire", "int32"), ("lemaire", "int8"))


def energy_table(
    compared: Mapping[str, Mapping[int, Comparison]],
    twins: Mapping[str, str],
    cnn_psnr: Mapping[str, float],
) -> str:
    """Return the table in Markdown.

    Args:
        compared: each spiking model at each T beside its twin.
        twins: the name of each one's CNN twin.
        cnn_psnr: PSNR in dB of each twin on the same images, by its name.
    """
    headings = [
        f"{model} {number} / {cnn} ({cnn_psnr[cnn]:.2f} dB)"
        for cnn in twins.values()
        for model, number in MODELS
    ]
    lines = [
        f"| model | T | PSNR, dB | spikes per neuron | {' | '.join(headings)} |",
        "|---|--:|--:|--:|" + "--:|" * len(headings),
    ]
    for name, by_steps in compared.items():
        for steps, comparison in by_steps.items():
            psnr = comparison.measurement.psnr
            cells = [
                _ratio(comparison, compared[other][steps], key, psnr >= cnn_psnr[cnn])
                for other, cnn in twins.items()
                for key in MODELS
            ]
            spikes = comparison.spikes_per_neuron
            lines.append(f"| {name} | {steps} | {psnr:.2f} | {spikes:.3f} | {' | '.join(cells)} |")
    return "\n".join(lines)


def over(spiking: Comparison, other: Comparison, model: str, number: str, baseline: str) -> float:
    """Return the energy of a spiking network over that of a CNN, a picture.

    Args:
        spiking: the network beside its own twin.
        other: the CNN beside a spiking network of its own, whose pictures may be more, or fewer: of
            other draws of the noise.
        model: the energy model.
        number: the format of the spiking network.
        baseline: the way in which the CNN is counted.
    """
    mine = spiking.verdict(model, number).energy / spiking.measurement.images
    theirs = other.verdict(model, number).baselines[baseline] / other.measurement.images
    return mine / theirs


def _ratio(spiking: Comparison, twin: Comparison, key: tuple[str, str], as_good: bool) -> str:
    """Return energy over that of another model's CNN twin; bold where quality is as good."""
    ratio = over(spiking, twin, *key, SAME)
    return f"**{ratio:.2f}**" if as_good else f"{ratio:.2f}"
