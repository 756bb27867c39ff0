"""Compiling with numba, and a cache of machine code that never runs stale code.

numba's own cache looks at the file of a function and at no file that this one imports, so an edited
instruction in `vectors.py` would go unnoticed. Here the key is the text of every module that the
machine code comes from, numba's version and the processor. The cache lies in a folder of the user's
own, or in $NUMBA_CACHE_DIR; `code_cache` keeps it.
"""

import hashlib
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import platformdirs
from numba.core import config
from numba.core.caching import (
    CompileResultCacheImpl,
    FunctionCache,
    UserProvidedCacheLocator,
)

from spiden_cli.core.engine.event.code_cache import CodeFiles, make_private

Function = TypeVar("Function", bound=Callable[..., Any])

CACHE_VARIABLE = "NUMBA_CACHE_DIR"


def cache_folder() -> Path:
    """Return where compiled code is kept."""
    given = os.environ.get(CACHE_VARIABLE)
    return Path(given) if given else Path(platformdirs.user_cache_dir("spiden")) / "numba"


@cache
def _source_hash() -> str:
    """Hash all modules of this package: whatever machine code is made of, it is here."""
    digest = hashlib.sha256()
    for module in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(module.name.encode() + b"\0" + module.read_bytes() + b"\0")
    return digest.hexdigest()


class _Locator(UserProvidedCacheLocator):
    """Puts the cache into a folder named after the source that it was compiled from."""

    def __init__(self, py_func: Any, py_file: str) -> None:  # noqa: ANN401
        self._py_file, self._lineno = py_file, py_func.__code__.co_firstlineno
        self._cache_path = str(cache_folder() / _source_hash()[:16])

    def get_source_stamp(self) -> str:
        return _source_hash()

    def ensure_cache_path(self) -> None:
        make_private(Path(self._cache_path))

    @classmethod
    def from_function(cls, py_func: Any, py_file: str) -> "_Locator":  # noqa: ANN401
        return cls(py_func, py_file)


class _Cached(CompileResultCacheImpl):
    _locator_classes = [_Locator]  # noqa: RUF012


class _Cache(FunctionCache):
    _impl_class = _Cached

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)  # type: ignore[no-untyped-call]
        self._impl.locator.ensure_cache_path()  # what is wrong with it is told before any work
        self._files = CodeFiles(Path(self._cache_path), self._impl.filename_base)
        vars(self)["_cache_file"] = self._files  # in place of numba's

    def load_overload(self, sig: Any, target_context: Any) -> Any:  # noqa: ANN401
        """Return the machine code of a signature, or None where there is none that can be read."""
        try:
            return super().load_overload(sig, target_context)  # type: ignore[no-untyped-call]
        except Exception:  # code that can't be linked fails in any way
            key = self._index_key(sig, target_context.codegen())  # type: ignore[no-untyped-call]
            self._files.remove(key)
            return None


def compiled(function: Function) -> Function:
    """Compile at the first call, and keep the machine code on disk.

    Raises:
        RuntimeError: there is no folder of the user's own to keep it in, or compiling is switched
            off.
    """
    if config.DISABLE_JIT:  # type: ignore[attr-defined]
        raise RuntimeError("NUMBA_DISABLE_JIT is set")
    dispatcher = numba.njit(nogil=True)(function)
    try:
        vars(dispatcher)["_cache"] = _Cache(function)
    except (OSError, RuntimeError) as error:
        raise RuntimeError(
            f"its cache {cache_folder()} can't be used, {_reason(error)}: "
            f"set {CACHE_VARIABLE} to another folder"
        ) from None
    return cast(Function, dispatcher)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
