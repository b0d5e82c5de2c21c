"""The ways in which people and programs save a file, the rude ones included."""

import os
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.storms.versions import FOLDER, GONE

SHORT, LONG = 0.12, 0.8
"""Seconds between two halves: too short to be read in between, and long enough to be."""


def clear(file: Path) -> None:
    """Take away what cannot be written to: a folder, or a link to what is gone."""
    if file.is_dir() and not file.is_symlink():
        shutil.rmtree(file)
    elif file.is_symlink() and not file.exists():
        file.unlink()


def rename(file: Path, text: bytes) -> None:
    """Written beside it and put into its place, as editors and programs that take care do."""
    beside = file.with_name(".policy.new")
    beside.write_bytes(text)
    beside.replace(file)


def in_place(file: Path, text: bytes) -> None:
    """Emptied and written, as a shell does."""
    file.write_bytes(text)


def in_halves(file: Path, text: bytes, pause: float = SHORT) -> None:
    """The second half comes later; the first one ends within a rule."""
    cut = text.index(b"orders, ship") + 3
    with file.open("wb") as stream:
        stream.write(text[:cut])
        stream.flush()
        time.sleep(pause)
        stream.write(text[cut:])


def in_slow_halves(file: Path, text: bytes) -> None:
    """So late that the first half is read, and refused."""
    in_halves(file, text, LONG)


def by_link(file: Path, text: bytes) -> None:
    """A link to a file beside it is turned to another one, as a ConfigMap is mounted."""
    names = [file.with_name(f".policy.{number}") for number in (1, 2)]
    target = next(name for name in names if not file.is_symlink() or file.readlink() != name)
    target.write_bytes(text)
    link = file.with_name(".policy.link")
    link.symlink_to(target)
    link.replace(file)


def disguised(file: Path, text: bytes) -> None:
    """Put into its place with the times of the one before; all versions have the same length."""
    times = file.stat() if file.exists() else None
    beside = file.with_name(".policy.new")
    beside.write_bytes(text)
    if times is not None:
        os.utime(beside, ns=(times.st_atime_ns, times.st_mtime_ns))
    beside.replace(file)


MANNERS: Mapping[str, Callable[[Path, bytes], None]] = {
    "renamed": rename,
    "in place": in_place,
    "in two halves": in_halves,
    "by a link": by_link,
    "in slow halves": in_slow_halves,
    "with old times": disguised,
}

CLEAN = ("renamed", "in place", "by a link", "with old times")
"""The manners in which a wrong file is saved: there is nothing else for a process to refuse."""


def save(file: Path, content: bytes | str, manner: str) -> None:
    """Save `content`; the words of `versions` stand for no file, or for a folder in its place."""
    clear(file)
    if isinstance(content, bytes):
        MANNERS[manner](file, content)
        return
    assert content in {GONE, FOLDER}
    file.unlink(missing_ok=True)
    if content == FOLDER:
        file.mkdir()


__all__ = ["CLEAN", "MANNERS", "save"]
