"""The sandbox on a real port: in a thread, and in the foreground until Ctrl-C."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from datetime import date

import httpx
import pytest

from reconciler.sandbox.identity import LOGIN_COMPANY, MEMBERS
from reconciler.sandbox.seed import empty_world
from reconciler.sandbox.server import environment, running, serve

TODAY = date(2026, 11, 22)
FOREGROUND = """
from datetime import date
from reconciler.sandbox.seed import empty_world
from reconciler.sandbox.server import serve
serve(empty_world(date(2026, 11, 22)), on_ready=lambda url: print(url, flush=True))
print("ended", flush=True)
"""


def test_running_serves_both_systems_and_stops() -> None:
    threads = threading.active_count()
    with running(empty_world(TODAY), quirks={"bundles": "refused"}) as sandbox:
        assert sandbox.url.startswith("http://127.0.0.1:")
        assert sandbox.environment == environment(sandbox.url)
        info = httpx.get(f"{sandbox.url}/login/companyinfo/{LOGIN_COMPANY}").json()
        assert info["Codebase"] == "v2025_1/"
        form = {
            "grant_type": "client_credentials",
            "scope": "token",
            "client_id": sandbox.environment["SOPHOS_CLIENT_ID"],
            "client_secret": sandbox.environment["SOPHOS_CLIENT_SECRET"],
        }
        token = httpx.post(f"{sandbox.environment['SOPHOS_ID_URL']}/api/v2/oauth2/token", data=form).json()
        headers = {"Authorization": f"Bearer {token['access_token']}"}
        who = httpx.get(f"{sandbox.environment['SOPHOS_API_URL']}/whoami/v1", headers=headers).json()
        assert who["apiHosts"]["global"] == sandbox.url
        assert [record.system for record in sandbox.app.state.requests] == ["connectwise", "sophos", "sophos"]
    assert threading.active_count() == threads
    with pytest.raises(httpx.ConnectError):
        httpx.get(sandbox.url)


def test_two_at_once_have_ports_and_worlds_of_their_own() -> None:
    with running(empty_world(TODAY)) as one, running(empty_world(TODAY)) as other:
        assert one.url != other.url
        httpx.get(f"{one.url}/login/companyinfo/x")
        assert (len(one.app.state.requests), len(other.app.state.requests)) == (1, 0)


def test_it_stops_when_the_block_fails() -> None:
    with pytest.raises(KeyError), running(empty_world(TODAY)) as sandbox:
        raise KeyError
    with pytest.raises(httpx.ConnectError):
        httpx.get(sandbox.url)


def test_environment() -> None:
    found = environment("http://127.0.0.1:1", member="readonly")
    assert set(found) == {
        "CONNECTWISE_URL", "CONNECTWISE_COMPANY", "CONNECTWISE_PUBLIC_KEY", "CONNECTWISE_PRIVATE_KEY",
        "CONNECTWISE_CLIENT_ID", "SOPHOS_CLIENT_ID", "SOPHOS_CLIENT_SECRET", "SOPHOS_ID_URL",
        "SOPHOS_API_URL",
    }  # fmt: skip
    assert found["CONNECTWISE_URL"] == "http://127.0.0.1:1"
    assert found["CONNECTWISE_PUBLIC_KEY"] == MEMBERS["readonly"].public_key
    with pytest.raises(KeyError):
        environment("http://127.0.0.1:1", member="nobody")


def test_a_taken_port_is_an_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="in use"):
            serve(empty_world(TODAY), port=taken.getsockname()[1], on_ready=lambda url: None)


def test_an_unknown_quirk_is_an_error_before_anything_runs() -> None:
    with pytest.raises(ValueError, match="unknown quirk"), running(empty_world(TODAY), quirks={"x": "y"}):
        pass


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for another process")
def test_ctrl_c_ends_the_foreground_cleanly() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", FOREGROUND], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert httpx.get(f"{url}/login/companyinfo/x").text == "null"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "ended\n", "")
