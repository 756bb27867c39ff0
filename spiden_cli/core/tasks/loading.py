"""Weights and engines, loaded when a picture first asks for them."""

import threading
from contextlib import nullcontext
from hashlib import sha256
from pathlib import Path
from typing import Any

from spiden_cli.core.bundled import find_weights, model_for
from spiden_cli.core.engine.ensemble import EnsembleEngine
from spiden_cli.core.engine.selection import Waiting, select_engine
from spiden_cli.core.network.folding import FoldedNetwork
from spiden_cli.core.tasks.results import Loaded
from spiden_cli.core.weights import WeightsInfo, load_folded
from spiden_cli.version import __version__

AUTO = "auto"


class Loader:
    """Loads what a name stands for, once; several threads may ask, and it travels by pickle.

    Args:
        name: a bundled model by name, a weights file, or "auto", the default model for each kind
            of picture.
        engine: as for `select_engine`, like what follows.
        device: where the dense engine computes.
        threads: CPU threads.
        ensemble: average over eight orientations.
        waiting: a context that is entered while the event engine may compile.
    """

    def __init__(
        self,
        name: str | Path,
        engine: str,
        device: str,
        threads: int | None,
        ensemble: bool,
        waiting: Waiting = nullcontext,
    ) -> None:
        self.name = str(name)
        self._settings = engine, device, threads, ensemble
        self._waiting = waiting
        self._networks: dict[str, tuple[FoldedNetwork, WeightsInfo]] = {}
        self._loaded: dict[str, Loaded] = {}
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what belongs to this process: engines, lock and display."""
        return {"name": self.name, "settings": self._settings, "networks": self._networks}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["name"], *state["settings"])  # type: ignore[misc]
        self._networks = state["networks"]

    def loaded(self, colour: bool, coarse: bool = False) -> Loaded:
        """Return the weights and the engine for a kind of picture; loads them at the first call.

        Args:
            colour: whether it is in colour.
            coarse: whether its noise is a camera's.

        Raises:
            WeightsError: there are no such weights, or they are damaged.
            InputError: there is no such device or engine, or it can't run this network.
        """
        name = model_for(colour, coarse) if self.name == AUTO else self.name
        with self._lock:
            if name not in self._loaded:
                self._loaded[name] = self._load(name)
            return self._loaded[name]

    def identity(self) -> str:
        """Return, in words, what results depend on; bundled weights are those of the version.

        Raises:
            WeightsError: there are no such weights.
        """
        engine, device, _, ensemble = self._settings
        digest = ""
        if self.name != AUTO:
            digest = sha256(Path(find_weights(self.name)).read_bytes()).hexdigest()
        return f"spiden {__version__}, {self.name} {digest}, {engine}, {device}, {ensemble}"

    def _load(self, name: str) -> Loaded:
        engine, device, threads, ensemble = self._settings
        if name not in self._networks:
            self._networks[name] = load_folded(find_weights(name))
        network, info = self._networks[name]
        made, note = select_engine(
            engine, network, device, info.firing_rate, threads, self._waiting
        )
        return Loaded(name, EnsembleEngine(made) if ensemble else made, info, note, network)
