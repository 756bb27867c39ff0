"""Results of the core as tables, live displays and JSON."""
