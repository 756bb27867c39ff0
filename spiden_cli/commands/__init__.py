"""One module per command: parse, call the core, report."""
