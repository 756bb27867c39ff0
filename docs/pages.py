"""What the site needs beside docs/: pages that lie elsewhere in the repository, and their links.

A hook of mkdocs. Links are written as the repository has them; here they become links between
pages. A link to a file that is no page, such as a module, becomes its name; one to nothing is a
warning, and so an error of `mkdocs build --strict`.
"""

import logging
import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
ELSEWHERE = {
    "index.md": "README.md",
    "models.md": "weights/README.md",
    "security.md": "SECURITY.md",
    "changes.md": "CHANGELOG.md",
}
PAGE_OF = {place: page for page, place in ELSEWHERE.items()}
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)\s#:]+)(#[^)\s]*)?\)")
PICTURE = re.compile(r"(!\[[^\]]*\])\(([^)\s#:]+)()\)")

log = logging.getLogger("mkdocs.hooks.pages")


def on_files(files: Files, config: Any, **_: object) -> Files:  # noqa: ANN401
    """Add the pages that lie elsewhere."""
    for page, place in ELSEWHERE.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / place)))
    return files


def on_page_markdown(markdown: str, page: Any, files: Files, **_: object) -> str:  # noqa: ANN401
    """Lead links to where the pages lie on the site."""
    here = page.file.src_uri
    place = ELSEWHERE.get(here, f"docs/{here}")

    def led(found: re.Match[str]) -> str:
        name, target, anchor = found.groups()
        wanted = posixpath.normpath(posixpath.join(posixpath.dirname(place), target))
        if (ROOT / wanted).is_dir():
            wanted += "/README.md"
        uri = PAGE_OF.get(wanted, wanted.removeprefix("docs/"))
        if files.get_file_from_path(uri) is None:
            if not (ROOT / wanted).is_file():
                log.warning("%s has a link to %s, which isn't there", place, target)
            return name
        shown = name if name.startswith("!") else f"[{name}]"
        return f"{shown}({posixpath.relpath(uri, posixpath.dirname(here) or '.')}{anchor or ''})"

    return PICTURE.sub(led, LINK.sub(led, markdown))
