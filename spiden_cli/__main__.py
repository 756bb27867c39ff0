"""`python -m spiden_cli` is `spiden`."""

from spiden_cli.app import main

main()
