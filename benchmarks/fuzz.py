"""Mutated files by the thousand: tracebacks, crashes, hangs and memory, by kind of file.

    python benchmarks/fuzz.py --count 100000            # some hours
    python benchmarks/fuzz.py --seconds 120             # as many as there is time for
    python benchmarks/fuzz.py --kind png --seed 12345   # one again, by its seed

A file may take ten seconds of processor time, whatever else the machine does, and a minute in all.
The mutators and what reads the files are those of `tests/fuzz`. Each worker is a process of its
own, so that a crash of a decoder is found as well; a failing file is kept, its seed in its name.
"""

import argparse
import json
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "fuzz"))

from corpus import KINDS, read, seeds
from mutators import mutated

from spiden_cli.errors import SpidenError

LONGEST, MOST_MEMORY = 10.0, 6 * 2**30
LONGEST_WAIT = 60.0  # seconds of the clock, which other work on the machine may take
BATCH = 500


class Late(BaseException):
    """A file took too long; no `Exception`, for decoders catch those."""


def main() -> None:
    """Run the workers one after the other; print a table and leave with 1 if anything failed."""
    options = arguments()
    if options.worker is not None:
        work(options.kind, options.worker, options.batch, Path(options.keep))
        return
    if options.seed is not None:
        again(options.kind, options.seed)
        return
    keep = Path(options.keep or tempfile.mkdtemp(prefix="spiden-fuzz-failures-"))
    keep.mkdir(exist_ok=True)
    kinds = (options.kind,) if options.kind else KINDS
    began, first, outcomes = time.monotonic(), options.first, {kind: Counter() for kind in kinds}
    slowest = dict.fromkeys(kinds, 0.0)
    memory = dict.fromkeys(kinds, 0)
    while sum(map(Counter.total, outcomes.values())) < options.count:
        for kind in kinds:
            if time.monotonic() - began > options.seconds:
                break
            found = batch(kind, first, keep)
            outcomes[kind] += Counter(found["outcomes"])
            slowest[kind] = max(slowest[kind], found["slowest"])
            memory[kind] = max(memory[kind], found["memory"])
            told = {kind: [dict(outcomes[kind]), slowest[kind], memory[kind]]}
            print(json.dumps(told), file=sys.stderr, flush=True)  # what is known if this ends
        else:
            first += BATCH
            continue
        break
    print("| kind | files | read | refused | failed | slowest, s | memory, MB |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    for kind, counts in outcomes.items():
        failed = counts.total() - counts["read"] - counts["refused"]
        print(
            f"| {kind} | {counts.total()} | {counts['read']} | {counts['refused']} | {failed} "
            f"| {slowest[kind]:.2f} | {memory[kind]} |"
        )
    total = sum(outcomes.values(), Counter())
    bad = {name: n for name, n in total.items() if name not in ("read", "refused")}
    print(f"\n{total.total()} files in {time.monotonic() - began:.0f} s; failures: {bad or 'none'}")
    if bad:
        print(f"kept in {keep}")
        sys.exit(1)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=1e9)
    parser.add_argument("--kind", choices=KINDS)
    parser.add_argument("--first", type=int, default=0, help="seed of the first file")
    parser.add_argument("--seed", type=int, help="one file, by the seed that was reported")
    parser.add_argument("--keep", help="folder for what failed")
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--batch", type=int, default=BATCH, help=argparse.SUPPRESS)
    return parser.parse_args()


def batch(kind: str, first: int, keep: Path) -> dict:
    """Run one worker; a crash counts, and the rest of its files is tried by the next."""
    outcomes, last, result = Counter(), first - 1, {"slowest": 0.0, "memory": 0}
    while last < first + BATCH - 1:
        command = [sys.executable, __file__, "--kind", kind, "--worker", str(last + 1), "--keep",
                   str(keep), "--batch", str(first + BATCH - 1 - last)]  # fmt: skip
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        for line in lines:
            if "outcome" in line:
                outcomes[line["outcome"]] += 1
                last = line["seed"]
                result["slowest"] = max(result["slowest"], line["seconds"])
            result["memory"] = max(result["memory"], line["memory"])
        if done.returncode != 0:
            last += 1
            outcomes[f"crash ({done.returncode})"] += 1
            content = content_of(kind, last)
            (keep / f"{kind}-{last}.{kind}").write_bytes(content)
            if not lines:
                sys.exit(f"the worker for {kind} doesn't start: {done.stderr[-2000:]}")
    return {"outcomes": outcomes, **result}


def work(kind: str, first: int, count: int, keep: Path) -> None:
    """Try files, and print a line of JSON for each."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    def late(*_: object) -> None:
        raise Late

    signal.signal(signal.SIGALRM, late)
    signal.signal(signal.SIGPROF, late)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"mutated.{kind}"
        report(memory=megabytes())
        for seed in range(first, first + count):
            content = content_of(kind, seed)
            path.write_bytes(content)
            began = time.process_time()
            signal.setitimer(signal.ITIMER_PROF, LONGEST)
            signal.setitimer(signal.ITIMER_REAL, LONGEST_WAIT)
            outcome = one(kind, path)
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.setitimer(signal.ITIMER_REAL, 0)
            seconds = round(time.process_time() - began, 3)
            if outcome not in ("read", "refused"):
                (keep / f"{kind}-{seed}.{kind}").write_bytes(content)
            report(seed=seed, outcome=outcome, seconds=seconds, memory=megabytes())


def one(kind: str, path: Path) -> str:
    """Return what became of a file."""
    try:
        read(kind, path)
    except SpidenError:
        return "refused"
    except Late:
        return "over 10 s"
    except BaseException as error:  # what nothing should raise
        return f"{type(error).__name__}: {str(error)[:60]}"
    return "read"


def again(kind: str, seed: int) -> None:
    """Read one file with a traceback."""
    path = Path(tempfile.mkdtemp()) / f"{seed}.{kind}"
    path.write_bytes(content_of(kind, seed))
    print(path)
    read(kind, path)


def content_of(kind: str, seed: int) -> bytes:
    """Return the file of a seed."""
    random = Random(seed)
    return mutated(kind, random.choice(seeds(kind)), random)


def megabytes() -> int:
    """Return the peak of this process's memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def report(**record: object) -> None:
    """Print for the parent."""
    print(json.dumps(record), flush=True)


if __name__ == "__main__":
    main()
