"""What is known of an application's processes from the outside: what they write, how many they are, what they hold."""

from pathlib import Path

from tests.patience import wait_until
from tests.running import Running

NEWS = (b"polic", b"Traceback", b"Child process", b"startup complete")
"""What a line has that is kept; the line of a request has none of it."""


class Journal:
    """The log of all processes, read on from where it was read to."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._read = 0
        self._kept: list[bytes] = []

    def count(self, text: str) -> int:
        """How many lines have `text` so far."""
        with self.file.open("rb") as stream:
            stream.seek(self._read)
            whole, newline, _ = stream.read().rpartition(b"\n")
        self._read += len(whole) + len(newline)
        self._kept += [line for line in whole.split(b"\n") if any(word in line for word in NEWS)]
        return sum(text.encode() in line for line in self._kept)


def wait_for_workers(journal: Journal, workers: int) -> None:
    """Return when every process has started."""
    wait_until(lambda: journal.count("startup complete") >= workers, f"not all of {workers} processes have started")


def memory(shop: Running) -> float:
    """Megabytes that all processes of `shop` hold; 0 where the system does not tell."""
    kilobytes = 0
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            group = (status.parent / "stat").read_text().rpartition(")")[2].split()[2]
            held = [line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmRSS:")]
        except OSError:
            continue  # it has ended
        kilobytes += int(held[0]) if held and int(group) == shop.process.pid else 0
    return kilobytes / 1024


__all__ = ["Journal", "memory", "wait_for_workers"]
