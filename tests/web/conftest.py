"""A server on a free port, in a thread of this process."""

import socket
import threading
import time

import pytest

from spiden_cli.core.tasks.model import load
from spiden_cli.core.tasks.settings import Settings
from spiden_cli.web.app import Service
from spiden_cli.web.guard import Limits
from spiden_cli.web.server import server_for
from spiden_cli.web.turns import Turns

MOST_BYTES = 400_000


@pytest.fixture(scope="package")
def address():
    """Where the tiny model is served, with small limits."""
    model = load("tiny", engine="dense", threads=1)
    model.loaded(colour=True)
    service = Service(model, Limits(MOST_BYTES), Settings(most_pixels=300 * 300))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = server_for(service, Turns())
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)
