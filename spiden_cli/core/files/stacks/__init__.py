"""Stacks: files of many planes, read and written one at a time."""
