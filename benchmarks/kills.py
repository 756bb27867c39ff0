"""Kill trainings, denoisings and a server at random moments: nothing may be lost or half.

    python benchmarks/kills.py --kills 100
    python benchmarks/kills.py --what training --what OME-Zarr
    python benchmarks/kills.py --kills 100 --seconds 120 --counts kills.json   # in pieces

A killed training is resumed, and must end in the bits of one that was not. What any other killed
command has written must be whole, and its second run must leave nothing but the outputs, neither
beside them nor where the system keeps temporary files. A command that ended before it was killed
is counted apart. With --counts, what is counted is kept in a file after each kill, and the next
call goes on from there.
"""

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

import torch
from kill_cases import Commands, Exports, Folders, Stacks, Tiffs, Trainings, Zarrs
from network_kill_cases import Downloads, Uploads

COUNTED = ("kills", "too late", "lost", "half", "left behind")
Counts = dict[str, dict[str, int]]

KINDS = {
    "training": Trainings, "folder": Folders, "TIFF": Tiffs, "stack": Stacks, "OME-Zarr": Zarrs,
    "commands": Commands, "exports": Exports, "downloads": Downloads, "serve": Uploads,
}  # fmt: skip


def main() -> None:
    """Run all; print a table; leave with 1 if anything was lost, half or left behind."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100, help="of each kind")
    parser.add_argument("--seconds", type=float, default=1e9, help="of each kind, at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--what", choices=KINDS, action="append", help="these kinds alone")
    parser.add_argument("--counts", type=Path, help="file to keep the counts in, and go on from")
    options = parser.parse_args()
    torch.set_num_threads(1)
    counts: Counts = {}
    if options.counts and options.counts.exists():
        counts = json.loads(options.counts.read_text())
    for what in options.what or KINDS:
        of_kind = counts.setdefault(what, dict.fromkeys(COUNTED, 0))
        until = time.monotonic() + options.seconds
        with tempfile.TemporaryDirectory(prefix="spiden-kills-") as name:
            if of_kind["kills"] < options.kills:
                kill_some(what, Path(name), counts, options, until)
    print(f"| what | {' | '.join(COUNTED)} |\n|---|{'--:|' * len(COUNTED)}")
    for what, of_kind in counts.items():
        print(f"| {what} | {' | '.join(str(of_kind[name]) for name in COUNTED)} |")
    sys.exit(any(of_kind[name] for of_kind in counts.values() for name in COUNTED[2:]))


def kill_some(
    what: str, place: Path, counts: Counts, options: argparse.Namespace, until: float
) -> None:
    """Kill one after the other until there are enough, or the time is over."""
    (place / "temporary").mkdir(parents=True)
    tempfile.tempdir = str(place / "temporary")
    case, of_kind = KINDS[what](place), counts[what]
    try:
        while of_kind["kills"] < options.kills and time.monotonic() < until:
            number = of_kind["kills"] + of_kind["too late"]
            moment = random.Random(f"{what} {options.seed} {number}").random()
            early, lost, half, left = case.kill(moment, number)
            found = (early, not early, lost, half, left)
            for name, more in zip(COUNTED, found, strict=True):
                of_kind[name] += int(more)
            if options.counts:
                kept = options.counts.with_suffix(".new")
                kept.write_text(json.dumps(counts))
                kept.replace(options.counts)
            if any(found[2:]):
                print(f"{what}, number {number}, at {moment:.3f}: {found}", file=sys.stderr)
                evidence = tempfile.mkdtemp(prefix="spiden-kills-found-", dir=place.parent)
                shutil.copytree(place, evidence, dirs_exist_ok=True, symlinks=True)
    finally:
        tempfile.tempdir = None


if __name__ == "__main__":
    main()
