"""Nothing that a stranger can send is unpickled: Python's own audit says so."""

import os
import subprocess
import sys
from pathlib import Path

FUZZ = Path(__file__).parents[1] / "fuzz"

PROGRAM = """
import sys
sys.path.insert(0, {fuzz!r})
from pathlib import Path
from corpus import KINDS, read, seeds

for kind in KINDS:  # all that is imported late
    path = Path({folder!r}) / f"whole.{{kind}}"
    path.write_bytes(seeds(kind)[0])
    read(kind, path)

found = []
sys.addaudithook(lambda event, _: found.append(event) if event.startswith("pickle.") else None)
for kind in KINDS:
    path = Path({folder!r}) / f"whole.{{kind}}"
    for content in seeds(kind):
        path.write_bytes(content)
        read(kind, path)
print(found)
import collections, pickle
pickle.loads(pickle.dumps(collections.OrderedDict))
print(found)
"""


def test_no_reader_unpickles(tmp_path):
    program = PROGRAM.format(fuzz=str(FUZZ), folder=str(tmp_path))
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, text=True, capture_output=True, env=environment
    )
    nothing, proof = done.stdout.splitlines()
    assert nothing == "[]"
    assert proof == "['pickle.find_class']"  # the hook does hear
