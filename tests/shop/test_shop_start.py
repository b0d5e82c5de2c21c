"""Starting and stopping: many processes at once on nothing, wrong settings, restarts, and the end."""

import re
import signal
import socket
import sqlite3
import time
from collections import Counter
from contextlib import ExitStack, closing
from pathlib import Path

import httpx2
import pytest

from tests.patience import PATIENCE, wait_until
from tests.running import ROOT, SERVE, UVICORN, Running, copy_application, launch, run_once, running, wait_until_up
from tests.shop.people import created, okay

FIRST_START = {"ENVIRONMENT": "development", "SECRET_KEY": "", "ADMIN_PASSWORD": "", "DEMO_DATA": "", "MAIL_URL": ""}
"""As on a person's machine: nothing is set."""

ROWS = {"products": 60, "categories": 24, "users": 13}
"""What the demo data consists of: three roots and their branches; ten customers and one account of each other role."""


def printed_password(*shops: Running) -> str:
    """The admin's password, which exactly one of the processes has printed exactly once."""
    found = re.findall(r"^password: (\S+)$", "\n".join(shop.log() for shop in shops), re.MULTILINE)
    assert len(found) == 1, found
    return str(found[0])


def check_first_start(shops: list[Running]) -> None:
    """One schema, one admin, one secret, one demo set; every process takes the tokens of every other."""
    token = shops[0].login("admin@example.com", printed_password(*shops))
    for shop in shops:
        with shop.client(token) as http:
            assert {name: okay(http.get(f"/{name}?size=1"))["total"] for name in ROWS} == ROWS
            accounts = okay(http.get("/users?size=100"))["items"]
            assert Counter(row["role"] for row in accounts) == {"customer": 10, "support": 1, "manager": 1, "admin": 1}
    folder = shops[0].folder
    assert len(re.findall(r"^SECRET_KEY=\S{32,}$", (folder / ".env").read_text(), re.MULTILINE)) == 1
    assert (folder / ".env").stat().st_mode & 0o077 == 0
    told = run_once(folder, "-m", "charter", "db", "check", **without_port(shops[0]))
    assert (told.returncode, told.stdout) == (0, "The schema is as declared.\n"), told.stderr
    shipped = {file.name for file in (ROOT / "migrations" / "versions").glob("*.py")}
    assert {file.name for file in (folder / "migrations" / "versions").glob("*.py")} == shipped
    log = "".join(shop.log() for shop in shops)
    assert "Traceback" not in log
    assert len(re.findall(r"^customers: ", log, re.MULTILINE)) == 1


def without_port(shop: Running) -> dict[str, str]:
    return {key: value for key, value in shop.environment.items() if key != "PORT"}


@pytest.mark.thorough
def test_four_workers_start_on_an_empty_folder(tmp_path: Path, empty_database: dict[str, str]) -> None:
    """`WORKERS=4 python app.py`: whatever the four do at once, it is done once."""
    folder = copy_application(tmp_path)
    with running(folder, SERVE, WORKERS="4", **FIRST_START, **empty_database) as shop:
        wait_for(shop, "Application startup complete", 4)
        check_first_start([shop])
        assert len(re.findall(r"^Charter: http", shop.log(), re.MULTILINE)) == 1


def test_four_servers_start_on_an_empty_folder(tmp_path: Path, empty_database: dict[str, str]) -> None:
    """Four separate `uvicorn app:app` at once: the same."""
    folder = copy_application(tmp_path)
    with ExitStack() as stack:
        shops = [
            launch(folder, UVICORN, f"output-{number}.log", **FIRST_START, **empty_database) for number in range(4)
        ]
        for shop in shops:
            stack.callback(shop.stop)
        for shop in shops:
            wait_until_up(shop)
        check_first_start(shops)


def wait_for(shop: Running, text: str, times: int) -> None:
    """Return when the process has printed `text` so often."""
    wait_until(lambda: shop.log().count(text) >= times, f"{text!r} is not there {times} times")


WRONG = {"PORT": "many", "CURRENCY": "euros", "DATABASE_URL": "mysql://root:hunter2@localhost/shop"}


@pytest.mark.parametrize("command", [SERVE, UVICORN], ids=["app", "uvicorn"])
def test_wrong_settings_stop_the_start_with_a_line_each(tmp_path: Path, command: tuple[str, ...]) -> None:
    """All of them at once, one line each, exit code 1, no traceback, and no value of a setting."""
    arguments = [part.format(port=0) for part in command]
    told = run_once(copy_application(tmp_path), *arguments, **WRONG)
    output = told.stdout + told.stderr
    assert told.returncode == 1, output
    lines = [line for line in output.splitlines() if line]
    assert [line.partition(":")[0] for line in lines] == ["DATABASE_URL", "PORT", "CURRENCY"], output
    assert "hunter2" not in output


@pytest.mark.parametrize("command", [SERVE, ("-m", "charter", "policy", "check")], ids=["app", "check"])
def test_a_broken_policy_stops_the_start_with_a_line_each(tmp_path: Path, command: tuple[str, ...]) -> None:
    """Every slip with file, line, column and code; exit code 1, no traceback."""
    folder = copy_application(tmp_path)
    with (folder / "policy.csv").open("a") as file:
        file.write("p, custommer, products, list, any, *\np, customer, prodcts, list, any, *\np, customer, products\n")
    lines = len((folder / "policy.csv").read_text().splitlines())
    told = run_once(folder, *[part.format(port=0) for part in command])
    output = told.stdout + told.stderr
    assert told.returncode == 1, output
    found = re.findall(r"^policy\.csv:(\d+):(\d+): (\w+) (.+)$", output, re.MULTILINE)
    assert [int(line) for line, *_ in found] == [lines - 2, lines - 1, lines], output
    assert "customer" in found[0][3]
    assert "products" in found[1][3]
    assert "Traceback" not in output


@pytest.mark.parametrize("secret", ["", "changeme-changeme-changeme-changeme-changeme"])
def test_production_refuses_to_start_without_a_secret(tmp_path: Path, secret: str) -> None:
    """None, or one from a tutorial: exit code 1, and no `.env` is written."""
    folder = copy_application(tmp_path)
    told = run_once(folder, "app.py", ENVIRONMENT="production", SECRET_KEY=secret)
    assert told.returncode == 1
    assert [line.split(":")[0] for line in (told.stdout + told.stderr).splitlines()] == ["SECRET_KEY"]
    assert not (folder / ".env").exists()
    assert not secret or secret not in told.stdout + told.stderr


def test_production_starts_without_demo_data(tmp_path: Path) -> None:
    """With a real secret it starts, empty but for the first admin."""
    secret = "f3ZsP0qY7mVb2Xw9KcR4tLh8NdJ6gAeU1iOy5BzQ"
    given = {"ENVIRONMENT": "production", "SECRET_KEY": secret, "DEMO_DATA": ""}
    with running(copy_application(tmp_path), SERVE, **given) as shop, shop.as_admin() as http:
        assert {name: okay(http.get(f"/{name}"))["total"] for name in ROWS} == {
            "products": 0,
            "categories": 0,
            "users": 1,
        }
        assert okay(http.get("/health"))["environment"] == "production"


def test_a_restart_keeps_everything(tmp_path: Path, empty_database: dict[str, str]) -> None:
    """Rows, accounts, sign-ins and the secret outlive the process; nothing is filled in or printed again."""
    folder = copy_application(tmp_path)
    with running(folder, SERVE, **FIRST_START, **empty_database) as shop:
        password = printed_password(shop)
        token = shop.login("admin@example.com", password)
        with shop.client(token) as http:
            row = created(http.post("/categories", json={"name": "Kept"}))
            gone = okay(http.get("/products?size=1"))["items"][0]["id"]
            assert http.delete(f"/products/{gone}").status_code == 204
    before = shop.log()
    with running(folder, SERVE, **FIRST_START, **empty_database) as again, again.client(token) as http:
        assert okay(http.get(f"/categories/{row['id']}")) == row
        assert okay(http.get("/products?size=1"))["total"] == 59
        assert okay(http.get("/users?size=1"))["total"] == 13
        again.login("admin@example.com", password)
        assert "password" not in again.log().removeprefix(before)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_being_told_to_stop_finishes_what_is_under_way(tmp_path: Path, workers: str) -> None:
    """SIGTERM in the middle of a request: it is answered, its row is kept, and the exit code is 0."""
    folder = copy_application(tmp_path)
    body = b'{"email": "last@example.com", "password": "a-password-of-a-test"}'
    head = "POST /auth/register HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n"
    with running(folder, SERVE, WORKERS=workers) as shop:
        port = httpx2.URL(shop.url).port
        with socket.create_connection(("127.0.0.1", port or 0), timeout=PATIENCE) as client:
            client.sendall(head.format(len(body)).encode() + body[:10])
            time.sleep(0.3)
            shop.process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            assert shop.process.poll() is None
            client.sendall(body[10:])
            answer = b""
            while chunk := client.recv(65536):
                answer += chunk
        assert answer.startswith(b"HTTP/1.1 201"), answer
        assert shop.process.wait(PATIENCE) == 0, shop.log()
        assert "Traceback" not in shop.log()
    with closing(sqlite3.connect(folder / "shop.db")) as database:
        assert database.execute("SELECT count(*) FROM users WHERE email = 'last@example.com'").fetchone() == (1,)


def test_workers_that_cannot_start_are_not_tried_forever(tmp_path: Path) -> None:
    """A broken declaration ends uvicorn's own watch over its workers, too."""
    folder = copy_application(tmp_path)
    with (folder / "policy.csv").open("a") as file:
        file.write("p, custommer, products, list, any, *\n")
    shop = launch(folder, (*UVICORN, "--workers", "2"))
    try:
        shop.process.wait(PATIENCE)
    finally:
        shop.stop()
    assert "policy_unknown_role" in shop.log()
    assert "Traceback" not in shop.log()


def test_a_schema_that_would_lose_data_stops_the_start_with_a_line(tmp_path: Path) -> None:
    """In development too, a column that is gone from the declarations is dropped by nobody unasked."""
    folder = copy_application(tmp_path)
    assert run_once(folder, "-m", "charter", "db", "upgrade").returncode == 0
    products = folder / "resources" / "products.py"
    kept = [line for line in products.read_text().splitlines() if "image_url" not in line]
    products.write_text("\n".join(kept))
    told = run_once(folder, "app.py", ENVIRONMENT="development", PORT="0")
    output = told.stdout + told.stderr
    assert told.returncode != 0
    assert re.search(r"migrations: schema_differs .*remove_column.*charter db revision", output), output
    assert "Traceback" not in output
