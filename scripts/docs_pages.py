"""Hook of mkdocs: pages and pictures that stand outside ``docs/``, with links made to fit.

The front page is the README, so that both say the same.
"""

from __future__ import annotations

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "search/accuracy/models/imagenet.md": "imagenet.md",
}
PICTURES = "benchmarks/results"
LINK = re.compile(r"(?<=\]\()(?!\w+:|#)([^)#\s]+)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what the pages link to."""
    for source, page in PAGES.items():
        text = linked((ROOT / source).read_text(), Path(source).parent)
        files.append(File.generated(config, page, content=text))
    for picture in sorted((ROOT / PICTURES).glob("*.png")):
        uri = picture.relative_to(ROOT).as_posix()
        files.append(File.generated(config, uri, abs_src_path=str(picture)))
    for page in files.documentation_pages():
        if page.generated_by is None:
            folder = Path("docs") / Path(page.src_uri).parent
            page.content_string = linked(page.content_string, folder)
    return files


def linked(text: str, folder: Path) -> str:
    """The text of a file in ``folder``, with links as they are on the site."""
    depth = len(folder.relative_to("docs").parts) if folder.parts[:1] == ("docs",) else 0

    def on_site(link: re.Match[str]) -> str:
        target = (ROOT / folder / link[1]).resolve()
        if not target.is_relative_to(ROOT):
            return link[1]
        path = target.relative_to(ROOT).as_posix()
        return "../" * depth + PAGES.get(path, path.removeprefix("docs/"))

    return LINK.sub(on_site, text)
