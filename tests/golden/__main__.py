"""Writes the golden files anew: ``python -m tests.golden``. Read what has changed before you keep it.

A process of its own, because the shop's tables must not meet those of the tests' toy applications.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

from charter.access.matrix import detail, overview
from charter.assemble import build
from charter.checks import vocabulary
from charter.cli import describe
from charter.services import Services
from charter.settings import Settings
from tests.running import ROOT, copy_application

HERE = Path(__file__).parent


def main() -> None:
    """Write the files into ``--into``, or over the kept ones."""
    parser = argparse.ArgumentParser(prog="python -m tests.golden")
    parser.add_argument("--into", type=Path, default=HERE)
    into: Path = parser.parse_args().into.resolve()
    with tempfile.TemporaryDirectory() as folder:
        for name, text in derived(Path(folder)).items():
            (into / name).write_text(text, encoding="utf-8")


def derived(folder: Path) -> dict[str, str]:
    """File name -> text, for a copy of the application in `folder`, under default settings."""
    for name in Settings.model_fields:
        os.environ.pop(name.upper(), None)
    os.environ["ENVIRONMENT"] = "test"
    copy_application(folder)
    os.chdir(folder)
    sys.path.insert(0, str(ROOT))
    import policies  # noqa: PLC0415 # the application's own packages, found only now
    import resources  # noqa: PLC0415 # same
    from policies.scopes import scopes  # noqa: PLC0415 # same

    app = build(resources, policies)
    services: Services = app.state.charter
    words = vocabulary(services.catalog, services.roles, scopes)
    sheets = sorted(overview(services.access, words).sheets, key=lambda sheet: sheet.resource)
    entries = sorted(services.catalog.entries.items())
    return {
        "catalog.txt": "\n\n".join(describe(entry) for _, entry in entries) + "\n",
        "policy-matrix.txt": "\n".join(line for sheet in sheets for line in detail(sheet)) + "\n",
        "openapi.json": json.dumps(app.openapi(), indent=1, sort_keys=True, ensure_ascii=False) + "\n",
    }


if __name__ == "__main__":
    main()
