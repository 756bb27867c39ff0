"""Denoising in a browser: a page, and an HTTP interface of the same."""
