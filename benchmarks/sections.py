"""Sections of a Markdown page, for programs that write some of them and leave the others."""

import re
from collections.abc import Mapping
from pathlib import Path

HEAD = ""
"""Key of what stands before the first section."""


def read_sections(page: Path) -> dict[str, str]:
    """Return the text below each heading of the second level, by the heading; the head first."""
    parts = re.split(r"^## (.*)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    texts = dict(zip(parts[1::2], parts[2::2], strict=True))
    return {title: text.strip("\n") for title, text in ({HEAD: parts[0]} | texts).items()}


def write_sections(page: Path, sections: Mapping[str, str]) -> None:
    """Write a page of sections, as `read_sections` returns them."""
    texts = [f"## {title}\n\n{text}" if title else text for title, text in sections.items()]
    page.write_text("\n\n".join(texts) + "\n", encoding="utf-8")
