"""Two streams: data goes to stdout, talk goes to stderr."""

import json
from typing import Any

from rich.console import Console
from rich.markup import escape

data = Console(highlight=False)
talk = Console(stderr=True, highlight=False)


def note(message: str) -> None:
    """Say something in passing."""
    talk.print(f"[dim]{escape(message)}[/dim]", soft_wrap=True)


def warn(message: str) -> None:
    """Say something that the user should act on."""
    talk.print(f"[yellow]warning:[/yellow] {escape(message)}", soft_wrap=True)


def fail(message: str) -> None:
    """Say in one line why there is no result."""
    talk.print(f"[bold red]error:[/bold red] {escape(message)}", soft_wrap=True)


def print_json(record: Any) -> None:  # noqa: ANN401
    """Print a result for another program to read."""
    print(json.dumps(record, indent=2))  # noqa: T201
