"""A step's script in a real shell, whose `reconciler` runs in this process, against the sandbox."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.flows_usage.books import Books

_SHIM = f"""#!{sys.executable} -I
import json, os, socket, sys
link = socket.socket(socket.AF_UNIX)
link.connect(os.environ["RECONCILER_TEST_SOCKET"])
link.sendall(json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode())
link.shutdown(socket.SHUT_WR)
code, out, err = json.loads(b"".join(iter(lambda: link.recv(65536), b"")))
sys.stdout.write(out)
sys.stderr.write(err)
sys.exit(code)
"""


class Shell:
    """Bash, with the command line on its PATH: it hands arguments, folder and environment to this process."""

    def __init__(self, root: Path, books: Books) -> None:
        self.root, self.books = root, books
        self.commands = root / "commands"
        self.commands.mkdir(parents=True)
        self.command = self.commands / "reconciler"
        self.command.write_text(_SHIM, encoding="utf-8")
        self.command.chmod(0o755)

    def run(self, script: str, folder: Path, env: dict[str, str]) -> tuple[int, str]:
        """Exit code, and what was said on both streams."""
        told = {
            "PATH": f"{self.commands}:{os.environ['PATH']}",
            "RECONCILER_TEST_SOCKET": str(self.root / "socket"),
        } | env
        file = self.root / "script.sh"
        file.write_text(script, encoding="utf-8")
        command = ["bash", "-e", str(file)]  # as GitHub runs a step that names no shell: without pipefail
        with (
            (self.root / "said").open("w+", encoding="utf-8") as out,
            socket.socket(socket.AF_UNIX) as server,
        ):
            server.bind(told["RECONCILER_TEST_SOCKET"])
            server.listen()
            server.settimeout(0.005)
            running = subprocess.Popen(command, cwd=folder, env=told, stdout=out, stderr=out)
            while running.poll() is None:
                self._serve(server)
            out.seek(0)
            said = out.read()
        (self.root / "socket").unlink()
        return running.returncode, said

    def _serve(self, server: socket.socket) -> None:
        """One command line, in this process, in the script's folder and with its environment."""
        try:
            link, _ = server.accept()
        except TimeoutError:
            return
        with link:
            link.settimeout(None)
            request = b"".join(iter(lambda: link.recv(65536), b""))
            arguments, folder, environ = json.loads(request)
            here, books = os.getcwd(), self.books  # noqa: PTH109 - os.chdir's counterpart
            before, books.environ = books.environ, environ
            os.chdir(folder)
            try:
                said = books.run(*arguments)
            finally:
                os.chdir(here)
                books.environ = before
            link.sendall(json.dumps([said.code, said.out, said.err]).encode())
