"""The README as its readers use it: the code blocks in it, in order."""

import re
from dataclasses import dataclass

from tests.running import ROOT


@dataclass(frozen=True, slots=True)
class Block:
    """One code block, and the heading that it stands under."""

    heading: str
    language: str
    text: str


def blocks(language: str, heading: str) -> list[Block]:
    """The code blocks of a language (empty: any) under a heading that starts so."""
    sections = re.split(r"^## ", (ROOT / "README.md").read_text(), flags=re.MULTILINE)
    found = [
        Block(section.partition("\n")[0], match[1], match[2])
        for section in sections
        for match in re.finditer(r"^```(\w*)\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    ]
    return [block for block in found if block.heading.startswith(heading) and language in {"", block.language}]
