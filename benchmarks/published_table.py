"""The default models beside published figures on white noise: used by results.py."""

from bench import Bench, twin

from spiden_cli.core.bundled import DEFAULT_COLOUR_MODEL, DEFAULT_MODEL

TITLES = {"set12": "Set12", "bsd68": "BSD68", "cbsd68": "CBSD68"}
# As the tables of DnCNN (arXiv 1608.03981) and FFDNet (1710.04026) print them, and for SPIDEN its
# paper; at CBSD68 the colour versions, CBM3D and so on.
PUBLISHED: dict[tuple[str, float], dict[str, str]] = {
    ("set12", 15.0): {"BM3D": "32.37", "DnCNN": "32.86", "FFDNet": "32.75"},
    ("set12", 25.0): {"SPIDEN": "30.18", "BM3D": "29.97", "DnCNN": "30.43", "FFDNet": "30.43"},
    ("set12", 50.0): {"BM3D": "26.72", "DnCNN": "27.18", "FFDNet": "27.32"},
    ("bsd68", 15.0): {"BM3D": "31.07", "DnCNN": "31.73", "FFDNet": "31.63"},
    ("bsd68", 25.0): {"BM3D": "28.57", "DnCNN": "29.23", "FFDNet": "29.19"},
    ("bsd68", 50.0): {"BM3D": "25.62", "DnCNN": "26.23", "FFDNet": "26.29"},
    ("cbsd68", 25.0): {"BM3D": "30.71", "DnCNN": "31.24", "FFDNet": "31.21"},
}


def published_table(bench: Bench) -> str:
    """Return the default models beside their CNN twins and published methods, in Markdown."""
    methods = ("SPIDEN", "BM3D", "DnCNN", "FFDNet")
    lines = [
        f"| PSNR in dB, T = 4 | spiking | its CNN twin | {' | '.join(methods)} |",
        "|---|--:|--:|" + "--:|" * len(methods),
    ]
    for (dataset, sigma), row in PUBLISHED.items():
        model = DEFAULT_COLOUR_MODEL if dataset == "cbsd68" else DEFAULT_MODEL
        ours = [bench.psnr(name, dataset, sigma) for name in (model, twin(model))]
        cells = [*ours, *(row.get(name, "-") for name in methods)]
        lines.append(f"| {TITLES[dataset]}, sigma {sigma:g} | {' | '.join(cells)} |")
    return "\n".join(lines)
