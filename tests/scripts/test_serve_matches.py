"""The page served by the door, in a process of its own, as a person starts and stops it."""

import http.client
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from embed.store import Store

ROOT = Path(__file__).parents[2]


@contextmanager
def serving(store: Store, *options: str) -> Iterator[tuple[Any, int]]:
    """(The process, the port that it said it serves at)."""
    command = [
        sys.executable,
        str(ROOT / "scripts" / "inspect_matches.py"),
        "--store",
        str(store.root),
        "--serve",
        "--port",
        "0",
    ]
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            said = process.stdout.readline()
            assert said.startswith("http://127.0.0.1:"), process.stderr.read() if process.stderr else ""
            yield process, int(said.rstrip("/\n").rpartition(":")[2])
        finally:
            process.kill()


def ask(port: int, path: str, **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    told = answer.status, answer.read().decode()
    connection.close()
    return told


def ended(process: Any, by: signal.Signals) -> tuple[int, str, str]:
    """Its exit code and what it still had to say."""
    process.send_signal(by)
    out, error = process.communicate(timeout=30)
    return process.returncode, out, error


def test_it_says_where_answers_this_machine_and_is_stopped(served: Store) -> None:
    with serving(served, "--users", "rosa,carl") as (process, port):
        status, page = ask(port, "/")
        assert (status, '<script src="app.js">' in page) == (200, True)
        status, told = ask(port, "/documents/users")
        assert [user["id"] for user in json.loads(told)["users"]] == ["rosa", "carl"]
        assert ask(port, "/documents/overview", Host="evil.example")[0] == 400
        status, told = ask(port, "/documents/choices?user=rosa&taste=" + quote("1.0 stated dark rainy cities\n" * 40_000))
        assert (status, told) == (400, '{"error":"parameter \'taste\' has 1,160,000 letters; 20,000 are taken at most"}')
        taste = quote("1.0 genre horror films")
        status, told = ask(port, f"/documents/user?user=rosa&taste={taste}")
        assert (status, [phrase["text"] for phrase in json.loads(told)["phrases"]]) == (200, ["horror films"])
        with socket.create_connection(("127.0.0.1", port)):  # a browser that keeps its connection does not hold it up
            assert ended(process, signal.SIGINT) == (0, "", "")


def test_who_ends_it_as_services_are_ended_sees_no_failure(served: Store) -> None:
    with serving(served) as (process, _):
        assert ended(process, signal.SIGTERM) == (0, "", "")


def test_a_port_that_is_taken(invoke: Callable, refused: Callable, served: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # the test's own process keeps its ways
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = refused(invoke("inspect_matches", "--store", served.root, "--serve", "--port", port))
    assert line == (
        f"error: cannot serve at '127.0.0.1', port {port}: Address already in use; give another --port, or 0 for any that is free"
    )


def test_what_cannot_be_served(
    invoke: Callable, refused: Callable, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    assert "scripts/build_index.py" in refused(invoke("inspect_matches", "--store", store.root, "--serve", "--port", 0))
    assert "no store at" in refused(invoke("inspect_matches", "--store", tmp_path / "nowhere", "--serve", "--port", 0))
