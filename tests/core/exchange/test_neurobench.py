"""NeuroBench's harness on a spiking network: it finds the same where it counts the same."""

import importlib
from pathlib import Path

import pytest
from small_networks import SIGMA, exact, picture, shrunk

from spiden_cli.core.engine.activity import mean_firing_rate, synaptic_operations
from spiden_cli.core.engine.dense import DenseEngine

MISSING = "NEUROBENCH IS NOT TRIED: pip install --no-deps neurobench snntorch nirtorch tqdm"
EXAMPLES = Path(__file__).resolve().parents[3] / "examples" / "nir"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "changes"), [("base-if", {}), ("dncnn17", {"population": 2})])
def test_neurobench_counts_the_same(monkeypatch, name, changes):
    for package in ("neurobench.benchmarks", "nirtorch", "snntorch", "nir"):
        pytest.importorskip(package, reason=MISSING)
    monkeypatch.syspath_prepend(str(EXAMPLES))
    measure = importlib.import_module("neurobench_metrics").measure
    config = shrunk(name, **changes)
    network, noisy, steps = exact(config, seed=3), picture(config, 16, 24), 3
    for kernel, _ in network.convolutions.values():
        kernel[kernel == 0] = 1 / 64  # NeuroBench doesn't count weights of zero, spiden does
    found = measure(network, noisy, SIGMA, steps)
    activity = DenseEngine(network).run(noisy, SIGMA, steps).activity
    assert found["SynapticOperations"]["Effective_ACs"] == synaptic_operations(activity) > 0
    assert found["ActivationSparsity"] == pytest.approx(1 - mean_firing_rate(activity))
    # A potential counts as updated where it changed, which with a current of exactly 0 it doesn't.
    slots = sum(layer.slots for layer in activity.values())
    assert 0.9 * slots < found["MembraneUpdates"] <= slots
