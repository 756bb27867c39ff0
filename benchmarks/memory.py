"""Peak memory of `spiden denoise`, each picture in a process of its own: used by inference.py."""

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from timing import noisy_photograph

import spiden_cli as spiden
from spiden_cli.core.image.picture import Picture
from spiden_cli.core.image.pixels import to_pixels


def memory_table(sizes: Sequence[tuple[int, int]]) -> str:
    """Return the peak memory of `spiden denoise` on grey 8-bit pictures of (height, width)."""
    lines = ["| grey picture | peak, GB | over an empty run, GB |", "|---|--:|--:|"]
    with tempfile.TemporaryDirectory() as folder:
        peaks = []
        for height, width in ((8, 8), *sizes):
            source, target = Path(folder) / "noisy.png", Path(folder) / "denoised.png"
            pixels = to_pixels(noisy_photograph(height, width), np.dtype(np.uint8))
            spiden.write_picture(source, Picture(pixels))
            peaks.append(_peak(source, target))
            if len(peaks) > 1:
                megapixels = height * width / 1e6
                lines.append(
                    f"| {width} x {height}, {megapixels:.0f} megapixels | {peaks[-1]:.2f} "
                    f"| {peaks[-1] - peaks[0]:.2f} |"
                )
    return "\n".join(lines)


def _peak(source: Path, target: Path) -> float:
    code = (
        "import sys\nfrom timing import peak_memory\nfrom spiden_cli.app import main\n"
        "try:\n    main()\nfinally:\n    print(peak_memory(), file=sys.stderr)"
    )
    command = [
        "-c", code, "denoise", str(source), "-o", str(target), "--sigma", "25",
        "--engine", "event", "--overwrite",
    ]  # fmt: skip
    done = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, check=True,
        cwd=Path(__file__).parent,
    )  # fmt: skip
    return float(done.stderr.split()[-1])
