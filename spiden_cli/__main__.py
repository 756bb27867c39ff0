"""`spiden`, and `python -m spiden_cli`, which is the same."""

import os
import signal
import sys


def main() -> None:
    """Run the command line; Ctrl-C that comes before a command has begun is told as it is later."""
    # Of numpy's, which multiplies small matrices only: its threads wait for each other longer than
    # they work, keep the cores from the network meanwhile, and add in an order of their own.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        _hear_ctrl_c_once()
        from spiden_cli.app import main as run

        run()
    except KeyboardInterrupt:
        if sys.stderr is not None:  # the caller may have closed it
            sys.stderr.write("error: interrupted\n")
        sys.exit(128 + signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the exit code is settled
        # Python ends by the signal, whatever exit code there is, if Ctrl-C came in an exec(), as of
        # dataclasses while modules are imported. It forgets that at the next one.
        exec("")


def _hear_ctrl_c_once() -> None:
    """Let a second Ctrl-C not break into what the first one ends."""
    from spiden_cli.commands.stopping import interrupt

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # a background job ignores it
        signal.signal(signal.SIGINT, interrupt)


if __name__ == "__main__":
    main()
