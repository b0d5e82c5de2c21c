"""axe-core, as npm has it: what it finds on a page is what people stumble over who do not see it or use no mouse."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.servers import NODE, need

PACKAGE = "axe-core@4.14.1"
SECONDS = 120
SERIOUS = ("serious", "critical")

RUN = """async () => {
  const found = await axe.run(document, {resultTypes: ["violations"]});
  return found.violations.map((item) => ({...item, places: item.nodes.map((node) => node.html)}));
}"""


def axe_source(folder: Path) -> str:
    """The script, installed in `folder`; where it cannot be had, its tests are left out."""
    need("node with npm", there=bool(NODE))
    (folder / "package.json").write_text("{}")  # else npm looks for one further up
    flags = ("--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=1")
    done = subprocess.run(  # noqa: S603 # fixed words
        [str(shutil.which("npm")), "install", *flags, PACKAGE],
        cwd=folder,
        env={**os.environ, "npm_config_cache": str(folder / "cache")},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    need(f"the npm package {PACKAGE}", there=done.returncode == 0)
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8")


def issues(page: Any, source: str) -> list[str]:
    """What is serious on `page`, a line each. The script comes past the page's own rules for scripts."""
    page.evaluate(source)
    found = page.evaluate(RUN)
    return [
        f"{page.url}: {item['id']} ({item['impact']}): {item['help']}: {item['places'][:3]}"
        for item in found
        if item["impact"] in SERIOUS
    ]
