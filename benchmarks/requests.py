"""One request as it is described, and as the bytes that a connection sends."""

from collections.abc import Mapping
from dataclasses import dataclass

CUSTOMER, MANAGER = "customer", "manager"
SERIAL = "#serial##"  # stands in a body where a number must be different each time
FIRST_SERIAL = 100_000_000  # as long as what it takes the place of, so that no body changes its length


@dataclass(frozen=True)
class Request:
    """What is asked, and by whom; `body` is JSON in which `SERIAL` may stand."""

    path: str
    method: str = "GET"
    body: str = ""
    role: str = CUSTOMER

    def headers(self, tokens: Mapping[str, str]) -> dict[str, str]:
        """The headers; `tokens` by role, none where the server asks for none."""
        found = {"Host": "127.0.0.1", "Accept": "application/json"}
        if token := tokens.get(self.role):
            found["Authorization"] = f"Bearer {token}"
        if self.body:
            found |= {"Content-Type": "application/json", "Content-Length": str(len(self.body.encode()))}
        return found

    def numbered(self, serial: int) -> str:
        """The body with that serial number."""
        return self.body.replace(SERIAL, str(serial))

    def sent(self, tokens: Mapping[str, str]) -> bytes:
        """The whole request, still without a serial number."""
        head = "".join(f"{name}: {value}\r\n" for name, value in self.headers(tokens).items())
        return f"{self.method} {self.path} HTTP/1.1\r\n{head}\r\n{self.body}".encode()
