"""Pages of the documentation site that are made from files elsewhere: the start page, the reference and the changelog.

MkDocs calls :func:`on_files` (mkdocs.yml, `hooks`).
"""

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

import poseglass

ROOT = Path(__file__).parents[1]
PAGES = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages."""
    for source, page in PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=linked(text)))
    files.append(File.generated(config, "reference.md", content=reference()))
    return files


def linked(text: str) -> str:
    """Point a page's links to the site's pages: those of `docs/` lie beside it."""
    text = text.replace("](docs/", "](")
    for source, page in PAGES.items():
        text = text.replace(f"]({source})", f"]({page})")
    return text


def reference() -> str:
    """All public names, by the room in which they are defined."""
    rooms: dict[str, list[str]] = {}
    for name, module in sorted(poseglass._HOME.items()):
        rooms.setdefault(module.split(".")[0], []).append(f"::: poseglass.{module}.{name}")
    sections = [f"## {room}\n\n" + "\n\n".join(names) for room, names in sorted(rooms.items())]
    return "# Reference\n\nEverything public is `pg.NAME`.\n\n" + "\n\n".join(sections)


def on_page_markdown(markdown: str, **_: object) -> str:
    """Show links to files of the repository as plain names."""
    return re.sub(r"\[([^\]]+)\]\((?:\.\./)*(?:[^)]*\.py|(?:src|recipes|LICENSE)[^)]*)\)", r"\1", markdown)
