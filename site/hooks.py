"""What the site adds to the pages of docs/.

Links that leave docs/ (to samples/, deploy/, tests/) lead to a page that shows the file or folder;
one to something that is not there ends the build, also in the README. The rules of the runbook come
into the navigation. Addresses of pages that were renamed lead to the new ones.
"""

import logging
import posixpath
import re
from pathlib import Path

from mkdocs.structure.files import File, InclusionLevel

LOG = logging.getLogger("mkdocs.hooks.links")
ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
LINK = re.compile(r"\]\((\.\./[^)#\s]+)(#[^)\s]+)?\)")
LANGUAGES = {".yaml": "yaml", ".json": "json", ".py": "python", ".lua": "lua", ".toml": "toml", ".md": "markdown"}

# Pages that were renamed: the old address leads to the new one.
MOVED = {"order.html": "rollout-order.html", "shapes.html": "topologies.html", "day-two.html": "operations.html"}
REDIRECT = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Moved</title>
<link rel="canonical" href="{new}">
<script>location.replace("{new}" + location.search + location.hash)</script>
<meta http-equiv="refresh" content="1; url={new}">
</head><body>This page is now <a href="{new}">{new}</a>.</body></html>
"""


def on_config(config):
    _fill(config["nav"])
    return config


def _fill(nav):
    for entry in nav:
        for title, below in entry.items():
            if title == "The rules":
                entry[title] = [_rule(page) for page in sorted((DOCS / "runbook").glob("DU*.md"))]
            elif isinstance(below, list):
                _fill(below)


def _rule(page):
    return {page.read_text(encoding="utf-8").splitlines()[0].removeprefix("# "): f"runbook/{page.name}"}


def on_files(files, config):
    css = File("site.css", str(ROOT / "site"), config["site_dir"], use_directory_urls=False)
    files.append(css)
    files.append(File("iframe-worker.js", str(ROOT / "site"), config["site_dir"], use_directory_urls=False))
    wanted = {target for page in list(files.documentation_pages()) for target in _targets(page).values()}
    while wanted:
        path = wanted.pop()
        if files.get_file_from_path(_page(path)) or not path.exists():
            continue
        below = [entry for entry in sorted(path.iterdir()) if entry.name[0] != "."] if path.is_dir() else []
        wanted.update(below)
        page = File.generated(config, _page(path), content=_shown(path, below), inclusion=InclusionLevel.NOT_IN_NAV)
        files.append(page)
    return files


def on_page_markdown(markdown, page, config, files):
    targets = _targets(page.file, markdown)

    def lead(link):
        target = targets.get(link[1])
        if target is None or not target.exists():
            return link[0]  # mkdocs itself complains of it
        return f"]({posixpath.relpath(_page(target), posixpath.dirname(page.file.src_uri))})"

    return LINK.sub(lead, markdown)


def on_env(env, config, files):
    """README.md is no page of the site, but leads there."""
    links = re.findall(r"\]\(([^)#\s:]+)(?:#([^)\s]+))?\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    for link, anchor in links:
        file = files.get_file_from_path(link.removeprefix("docs/")) if link.startswith("docs/") else None
        if not (ROOT / link).exists() or (anchor and not (file and anchor in file.page.present_anchor_ids)):
            LOG.warning("README.md contains a link '%s#%s', which leads nowhere", link, anchor)
    return env


def on_post_build(config):
    """Writes the redirects. One that leads nowhere, or that hides a page, ends the build."""
    site = Path(config["site_dir"])
    for old, new in MOVED.items():
        if (site / old).exists() or not (site / new).is_file():
            LOG.warning("the redirect from '%s' to '%s' hides a page, or leads nowhere", old, new)
        (site / old).write_text(REDIRECT.format(new=new), encoding="utf-8")


def _targets(file, markdown=None):
    """What the links that leave docs/ lead to."""
    folder = DOCS / posixpath.dirname(file.src_uri)
    text = file.content_string if markdown is None else markdown
    found = {link: Path(posixpath.normpath(folder / link)) for link, _ in LINK.findall(text)}
    return {link: path for link, path in found.items() if DOCS not in path.parents and path != DOCS}


def _page(path):
    return f"source/{path.relative_to(ROOT)}.md"


def _shown(path, below):
    title = f"# {path.relative_to(ROOT)}\n\n"
    if path.is_dir():
        return title + "".join(f"- [{entry.name}]({path.name}/{entry.name}.md)\n" for entry in below)
    return f"{title}````{LANGUAGES.get(path.suffix, 'text')}\n{path.read_text(encoding='utf-8')}\n````\n"
