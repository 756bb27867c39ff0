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
        from spiden_cli.app import main as run

        run()
    except KeyboardInterrupt:
        if sys.stderr is not None:  # the caller may have closed it
            sys.stderr.write("error: interrupted\n")
        sys.exit(128 + signal.SIGINT)


if __name__ == "__main__":
    main()
