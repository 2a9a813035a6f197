"""What lies beside docs/ becomes part of the site: the README as its first page, the changelog, the samples' page."""

from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
PAGES = {
    "index.md": "README.md",
    "changelog.md": "CHANGELOG.md",
    "sample-videos.md": "sample_videos/README.md",
    "notice.md": "NOTICE",
    "licence.md": "LICENSE",
}


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that are kept elsewhere."""
    for name, source in PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        if source in ("NOTICE", "LICENSE"):
            text = f"# {source.capitalize()}\n\n```text\n{text}\n```\n"
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Point links to where the files are within the site."""
    if page.file.src_uri in PAGES:
        markdown = markdown.replace("](docs/", "](")
    for name, source in PAGES.items():
        markdown = markdown.replace(f"](../{source})", f"]({name})").replace(f"]({source})", f"]({name})")
    return markdown
