"""The options of `spiden denoise`, in the groups of its help."""

from pathlib import Path
from typing import Annotated

import typer

from spiden_cli.commands.options import MODEL, SHOW_HELP

STRENGTH, PART, FILES = "How strong", "Which part", "Files"

EXAMPLES = """Examples:

spiden denoise noisy.jpg: the level is estimated

spiden denoise noisy.jpg --compare look.png: and what was done is drawn

spiden denoise noisy.jpg --strength 0.7 --detail 0.2: gentler, leaves grain

spiden denoise noisy.jpg --chroma-strength 1.5: more against spots of colour

spiden denoise noisy.jpg --region 900,600,400,300 --show: try it on a part

spiden denoise noisy.jpg --mask sky.png: only where the mask is white

spiden denoise scans/ -o clean/ --sigma 10: a folder, at a level of your own

spiden denoise 2026/ -r -o clean/ --jobs 4: a tree of folders, four at once

spiden denoise *.jpg --skip-existing --log run.jsonl: go on where a run ended

spiden denoise cells.npy --axes TCYX: a stack, each channel at its own level

spiden denoise s3://scans/ -o clean/ --scheduler local: from S3, on a cluster

spiden denoise - -o - < noisy.png > clean.png: in a pipe

spiden denoise --watch incoming/ -o clean/: whatever appears in a folder

Exit codes: 0 all was done; 1 out of memory, or a fault; 2 a picture or an
option can't be used, or --lenient took a part of one; 3 a model can't; 6 an
output can't be written, or is there already; 7 something would be lost, with
--strict; 130 Ctrl-C. Of several failures it is the first one's.
"""

Pictures = Annotated[
    list[str] | None,
    typer.Argument(
        help="Pictures, folders or patterns, URLs such as s3://... too; - for stdin.",
        metavar="PICTURE...",
        show_default=False,
    ),
]
Sigma = Annotated[
    str,
    typer.Option(
        help="Noise level in 8-bit units, or auto to estimate it.", rich_help_panel=STRENGTH
    ),
]
Strength = Annotated[
    float,
    typer.Option(
        help="Factor of the noise level, 0 to 2: 1 is what was estimated or given, more "
        "removes more, 0 leaves the picture as it is.",
        metavar="FACTOR",
        rich_help_panel=STRENGTH,
    ),
]
ChromaStrength = Annotated[
    float | None,
    typer.Option(
        help="The same for colour noise alone; by default as --strength. Another takes twice "
        "the time.",
        metavar="FACTOR",
        show_default=False,
        rich_help_panel=STRENGTH,
    ),
]
Detail = Annotated[
    float,
    typer.Option(
        help="Share of the removed luminance to put back, 0 to 1: some grain looks less "
        "plastic than none.",
        metavar="SHARE",
        rich_help_panel=STRENGTH,
    ),
]
Mask = Annotated[
    Path | None,
    typer.Option(
        help="Grey picture (or folder, same names) of the same size: white is denoised, black is "
        "kept to the bit, grey is blended.",
        metavar="FILE|FOLDER",
        show_default=False,
        rich_help_panel=PART,
    ),
]
Region = Annotated[
    str | None,
    typer.Option(
        help="Denoise and write this part alone, to try settings: left, top, width and height in "
        "pixels. The level is that of the whole picture, so that the part comes out as it will in "
        "the whole. By default into NAME_region.",
        metavar="X,Y,W,H",
        show_default=False,
        rich_help_panel=PART,
    ),
]
Timesteps = Annotated[
    int | None,
    typer.Option(
        help="T, the simulated timesteps; by default what the model was trained for.",
        rich_help_panel=MODEL,
    ),
]
Output = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        help="File, folder, URL, or - for stdout; by default NAME_denoised beside each picture.",
        metavar="PATH",
        show_default=False,
        rich_help_panel=FILES,
    ),
]
OutputPattern = Annotated[
    str | None,
    typer.Option(
        help="Name of each output, such as '{stem}-clean{suffix}'; {name} and {folder} do as well.",
        metavar="TEXT",
        show_default=False,
        rich_help_panel=FILES,
    ),
]
Format = Annotated[
    str | None,
    typer.Option(
        help="Format to write: png, jpg, tiff, webp, ...; by default that of each picture.",
        metavar="NAME",
        show_default=False,
        rich_help_panel=FILES,
    ),
]
Overwrite = Annotated[
    bool,
    typer.Option(
        "--overwrite",
        help="Replace files that are there, also a picture by its own result.",
        rich_help_panel=FILES,
    ),
]
SkipExisting = Annotated[
    bool,
    typer.Option(
        "--skip-existing",
        help="Leave out pictures whose output is there: go on where a run ended.",
        rich_help_panel=FILES,
    ),
]
Compare = Annotated[
    str | None,
    typer.Option(
        help="Draw noisy, denoised, removed and the firing rate side by side: FILE.png, or a "
        "folder, for NAME_compare.png of each.",
        metavar="PATH",
        show_default=False,
        rich_help_panel=FILES,
    ),
]
Reference = Annotated[
    Path | None,
    typer.Option(
        help="Clean picture (or folder, same names) to measure PSNR and SSIM against.",
        rich_help_panel=FILES,
    ),
]
White = Annotated[
    float | None,
    typer.Option(
        help="Value of white in 16-bit pictures, such as 4095; by default what the file says, "
        "or the bits that its pixels fill.",
        show_default=False,
        rich_help_panel=FILES,
    ),
]
Quality = Annotated[
    int | None,
    typer.Option(
        help="Of JPEG, WebP and AVIF, 1 to 100; by default a JPEG's own, else 95, and lossless "
        "WebP.",
        show_default=False,
        rich_help_panel=FILES,
    ),
]
Strip = Annotated[
    bool,
    typer.Option(
        "--strip",
        help="Leave out what is said of the picture: camera, place, owner, words.",
        rich_help_panel=FILES,
    ),
]
Floats = Annotated[
    bool,
    typer.Option(
        "--float",
        help="Write 32-bit floats, into TIFF or NumPy: where photons are few, fractions of a value "
        "matter.",
        rich_help_panel=FILES,
    ),
]
Show = Annotated[bool, typer.Option("--show", help=SHOW_HELP, rich_help_panel=FILES)]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print the result as JSON.", rich_help_panel=FILES)
]
Lenient = Annotated[
    bool,
    typer.Option(
        "--lenient",
        help="Take a damaged picture as far as it can be read; with a note, and exit code 2.",
        rich_help_panel=FILES,
    ),
]
Strict = Annotated[
    bool,
    typer.Option(
        "--strict",
        help="Write nothing, and leave with code 7, where the output can't hold all that the "
        "input says.",
        rich_help_panel=FILES,
    ),
]
