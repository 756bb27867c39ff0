"""Work on other machines and on their storage: Dask, and what fsspec can list. `spiden[dask]`."""
