"""Families of networks: each module here is one, a function `graph(config)` that draws its shape.

A new family is one more file, and a preset that names it.
"""

import pkgutil
from functools import cache
from importlib import import_module

from spiden_cli.core.network.config import NetworkConfig
from spiden_cli.core.network.graph import Graph
from spiden_cli.errors import InputError


def family_names() -> list[str]:
    """Return the names of the families that a configuration may have."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


@cache
def graph_of(config: NetworkConfig) -> Graph:
    """Return the shape of a network.

    Raises:
        InputError: there is no such family, or its network can't have these numbers.
    """
    if config.family not in family_names():
        names = ", ".join(family_names())
        raise InputError(f"unknown family of networks {config.family!r}: choose one of {names}")
    graph: Graph = import_module(f"{__name__}.{config.family}").graph(config)
    return graph
