"""One run: how long it measures, and the deployments that its rows share."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench import place
from bench.client import ID_MARK, Job
from bench.message import sample
from bench.place import Place

COVERS = ("rsa2048", "p256")


@dataclass(kw_only=True)
class Run:
    """A run in a folder of its own.

    seconds  of each measurement under load
    rounds   how often each is repeated, in turns with what it is compared with; the best round counts
    rates    accepted messages a second of this run, by what was measured
    """

    folder: Path
    seconds: float
    rounds: int
    quick: bool
    rates: dict[str, float] = field(default_factory=dict)
    _places: dict[str, Place] = field(default_factory=dict)

    def place(self, name: str, *, cover: str = "p256", database: str = "sqlite:///gateway.db") -> Place:
        """The deployment of this name; made when it is first asked for."""
        if name not in self._places:
            self._places[name] = place.make(self.folder / name, cover=cover, database=database)
        return self._places[name]

    def body(self, content: bytes | None = None) -> Path:
        """A file with what is sent: the sample, or something else."""
        file = self.folder / ("body.xml" if content is None else "other.xml")
        file.write_bytes(sample() if content is None else content)
        return file

    def job(self, made: Place, port: int, **more: object) -> Job:
        """A load of this length on a deployment."""
        body = Path(str(more.pop("body", ""))) if "body" in more else self.body()
        head = made.head(id=ID_MARK, size_bytes=body.stat().st_size).decode()
        return Job(port=port, head=head, body=str(body), **{"seconds": self.seconds, **more})  # type: ignore[arg-type]


@contextmanager
def new_run(*, quick: bool) -> Iterator[Run]:
    """A run, its folder gone at the end."""
    with place.folder() as folder:
        yield Run(folder=folder, seconds=1.5 if quick else 4.0, rounds=1 if quick else 3, quick=quick)
