"""What stays the same over a run, and how two such records differ."""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any

from spiden_cli.core.network.config import NetworkConfig
from spiden_cli.core.training.config import TrainingConfig
from spiden_cli.core.training.fingerprint import Fingerprint, ImagesFingerprint

_OPTIONS = {"learning_rate": "lr", "image_channels": "colour"}
"""Settings whose option has another name than they have."""

_NETWORK_OPTIONS = ("neuron", "image_channels", "surrogate", "learn_initial", "threshold")
"""The parts of a network's shape that have an option; the preset gives the others."""


@dataclass(frozen=True)
class RunRecord:
    """A run but for its state.

    Attributes:
        network: the shape of the network.
        config: the settings of the run.
        fingerprint: what it learns from; None in checkpoints that were written before there were
            fingerprints.
        notes: free text that goes into the weights: preset, data, command, start.
    """

    network: NetworkConfig
    config: TrainingConfig
    fingerprint: Fingerprint | None
    notes: dict[str, str] = field(default_factory=dict)


def differences(then: RunRecord, now: RunRecord) -> list[str]:
    """Say what a run was trained with that another call would not train it with.

    Args:
        then: the record of the run.
        now: that of the call that wants to go on with it.

    Returns:
        Phrases such as "--lr 0.002 (0.001 now)" and "other images (432 then, 400 now)"; none if
        the run can go on. A fingerprint that is lacking is equal to every other.
    """
    found = [*_settings(then.network, now.network), *_settings(then.config, now.config)]
    if then.fingerprint is not None and now.fingerprint is not None:
        found += _data(then.fingerprint, now.fingerprint)
    return found


def _settings(then: object, now: object) -> Iterator[str]:
    for setting in fields(then):  # type: ignore[arg-type]
        old, new = getattr(then, setting.name), getattr(now, setting.name)
        if old == new:
            continue
        if setting.name == "image_channels":
            old, new = old == 3, new == 3
        named = isinstance(then, TrainingConfig) or setting.name in _NETWORK_OPTIONS
        option = _OPTIONS.get(setting.name, setting.name).replace("_", "-")
        name = f"--{option}" if named else f"a network of {setting.name.replace('_', ' ')}"
        if isinstance(old, bool):
            yield f"{name} (not now)" if old else f"no {name} (but now)"
        else:
            yield f"{name} {_text(old)} ({_text(new)} now)"


def _text(value: Any) -> str:  # noqa: ANN401
    """Write a value as its option takes it: 0.002, 4,2,1 or 0.0:55.0."""
    if isinstance(value, tuple):
        return (":" if isinstance(value[0], float) else ",").join(map(_text, value))
    return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)


def _data(then: Fingerprint, now: Fingerprint) -> Iterator[str]:
    yield from _images("images", then.training, now.training)
    yield from _images("held-out images", then.held_out, now.held_out)
    if then.teacher != now.teacher:
        if then.teacher is None:
            yield "no --teacher (but now)"
        else:
            yield "another --teacher" if now.teacher is not None else "a --teacher (none now)"


def _images(what: str, then: ImagesFingerprint, now: ImagesFingerprint) -> Iterator[str]:
    if then.count != now.count:
        yield f"other {what} ({then.count} then, {now.count} now)"
    elif then != now:
        yield f"other {what} ({then.count} of them, but not these, or in another order)"
