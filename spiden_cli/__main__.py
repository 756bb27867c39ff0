"""`spiden`, and `python -m spiden_cli`, which is the same."""

import signal
import sys


def main() -> None:
    """Run the command line; Ctrl-C that comes before a command has begun is told as it is later."""
    try:
        from spiden_cli.app import main as run

        run()
    except KeyboardInterrupt:
        if sys.stderr is not None:  # the caller may have closed it
            sys.stderr.write("error: interrupted\n")
        sys.exit(128 + signal.SIGINT)


if __name__ == "__main__":
    main()
