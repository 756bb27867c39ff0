"""`spiden serve`: a page in a browser that denoises pictures, and the same over HTTP."""

from typing import Annotated

import typer

from spiden_cli.commands.model import EngineName, Ensemble, Model, open_model
from spiden_cli.commands.options import Device, MaxMemory, Threads, memory_size
from spiden_cli.errors import InputError
from spiden_cli.report.console import data, note, warn

WHERE, LIMITS = "Where", "Limits"


def serve(
    host: Annotated[
        str,
        typer.Option(
            help="Address to listen on; another than 127.0.0.1 lets other machines in.",
            rich_help_panel=WHERE,
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option(
            help="Port to listen on; by default a free one.", min=0, max=65_535,
            show_default=False, rich_help_panel=WHERE,
        ),
    ] = 0,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            help="A name of this machine that browsers may ask for, besides localhost and its "
            "addresses; can be given several times.",
            metavar="NAME", show_default=False, rich_help_panel=WHERE,
        ),
    ] = None,
    open_browser: Annotated[
        bool, typer.Option("--open", help="Open the page in a browser.", rich_help_panel=WHERE)
    ] = False,
    model: Model = "auto",
    ensemble: Ensemble = False,
    max_upload: Annotated[
        str,
        typer.Option(
            help="Largest upload that is taken.", metavar="SIZE", rich_help_panel=LIMITS
        ),
    ] = "200M",
    max_megapixels: Annotated[
        float,
        typer.Option(
            help="Largest picture that is taken, an animation with all its frames.",
            metavar="N", min=0.01, max=400, rich_help_panel=LIMITS,
        ),
    ] = 100,
    engine: EngineName = "auto",
    device: Device = "auto",
    threads: Threads = None,
    max_memory: MaxMemory = None,
) -> None:  # fmt: skip
    """Denoise in a browser: drop a picture, move the sliders, look closely, download."""
    most_bytes, most_memory = memory_size(max_upload), max_memory and memory_size(max_memory)
    try:
        from spiden_cli.web import server
    except ModuleNotFoundError as error:
        raise InputError(
            f"spiden serve needs a package ({error.name}): pip install 'spiden[web]'"
        ) from None
    from spiden_cli.core.tasks.settings import Settings
    from spiden_cli.web.guard import Limits

    loopback = server.is_loopback(host)
    limits = Limits(most_bytes, loopback=loopback, names=tuple(map(str.lower, allow_host or ())))
    opened = open_model(model, engine, device, threads, ensemble)
    settings = Settings(max_memory=most_memory or None, most_pixels=round(max_megapixels * 1e6))
    with server.listen(host, port) as listening:
        address = server.address_of(listening)
        if not loopback:
            warn(
                f"whoever reaches {host} can denoise pictures here, without a password and "
                "unencrypted: keep it behind a firewall, or a proxy that asks who it is"
            )
        data.print(address)
        note("Ctrl-C ends it; what is uploaded is not kept")
        if open_browser:
            import webbrowser

            webbrowser.open(address)
        busy = server.serve(server.Service(opened, limits, settings), listening)
        note("ended")
        if busy:
            server.leave()
