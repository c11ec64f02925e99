"""Databases for tests: files of SQLite, or with `--postgresql` those of a server of the tests' own."""

import atexit
import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier

from aggregator.store import Store

_kind = ["sqlite"]


def choose_postgresql() -> None:
    """From now on databases are PostgreSQL's."""
    _kind[:] = ["postgresql"]


def is_postgresql() -> bool:
    return _kind == ["postgresql"]


def programs() -> Path | None:
    """The folder of PostgreSQL's programs, if there is one; Debian keeps them off the path."""
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return folders[-1] if folders else None


def empty(file: Path) -> str:
    """The URL of a database without a row, in `file` or in its stead."""
    if is_postgresql():
        return server().url(file, anew=True)
    for old in file.parent.glob(f"{file.name}*"):
        old.unlink()
    shutil.copyfile(_migrated(), file)  # quicker than the migrations
    return f"sqlite:///{file}"


@lru_cache(maxsize=1)
def _migrated() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="aggregator-"))
    atexit.register(shutil.rmtree, folder)
    Store.open(f"sqlite:///{folder}/migrated.db").close()
    return folder / "migrated.db"


class Server:
    """A PostgreSQL server on a Unix socket in a folder of its own; it ends with the tests."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self._folder, self._programs = folder, programs
        self._user = "postgres" if os.geteuid() == 0 else None  # it refuses to run as root
        if self._user:
            shutil.chown(folder, self._user)
        self._made: set[str] = set()
        new = ["-A", "trust", "-U", "tests", "-E", "UTF8", "--locale=C", "--no-sync"]
        subprocess.run(
            self._command("initdb", *new), user=self._user, cwd=folder, check=True, stdout=subprocess.DEVNULL
        )
        options = ["-k", str(folder), "-h", "", "-F", "-c", "max_connections=300"]
        with (folder / "said.txt").open("w") as said:
            self._process = subprocess.Popen(
                self._command("postgres", *options), user=self._user, cwd=folder, stdout=said, stderr=said
            )
        atexit.register(self._stop)
        self._wait()
        self.ask("CREATE DATABASE migrated")
        Store.open(self._url("migrated")).close()

    def url(self, file: Path, *, anew: bool = False) -> str:
        """The URL of the database in the stead of `file`: empty at first, or `anew`."""
        name = hashlib.sha256(str(file).encode()).hexdigest()[:16]
        if anew:
            self.ask("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
        if anew or name not in self._made:
            self._made.add(name)
            self.ask("CREATE DATABASE {} TEMPLATE migrated", name)
        return self._url(name)

    def ask(self, statement: str, *names: str, values: Sequence[object] = ()) -> None:
        """Have the server do something."""
        with psycopg.connect(
            host=str(self._folder), user="tests", dbname="postgres", autocommit=True
        ) as conn:
            conn.execute(SQL(statement).format(*map(Identifier, names)), values)

    def _command(self, program: str, *options: str) -> list[str]:
        return [str(self._programs / program), "-D", str(self._folder / "data"), *options]

    def _url(self, name: str) -> str:
        return f"postgresql+psycopg://tests@/{name}?host={self._folder}"

    def _stop(self) -> None:
        self._process.terminate()
        self._process.wait()
        shutil.rmtree(self._folder)

    def _wait(self) -> None:
        deadline = time.monotonic() + 30
        while True:
            try:
                return self.ask("SELECT 1")
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise
                time.sleep(0.05)


@lru_cache(maxsize=1)
def server() -> Server:
    """The one server, started when it is needed."""
    found = programs()
    assert found is not None
    return Server(Path(tempfile.mkdtemp(prefix="aggregator-")), found)
