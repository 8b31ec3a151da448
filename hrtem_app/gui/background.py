"""What works outside of the window, as its panels see it: jobs, and the networks that come of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from psygnal import Signal

from hrtem_app.gui.jobs import LatestWins, Outcome, describe

if TYPE_CHECKING:
    from hrtem_app.gui.workbench import Workbench
    from hrtem_app.jobs import Job

Stamp = tuple[tuple[int, int] | None, ...]

_backgrounds: WeakKeyDictionary[Workbench, Background] = WeakKeyDictionary()


@dataclass(frozen=True)
class Sight:
    """What was there at one look.

    Parameters
    ----------
    jobs
        In the order of their numbers.
    networks
        Of the files in the catalog; a network that comes or goes changes it.
    """

    jobs: tuple[Job, ...] = ()
    networks: frozenset[tuple[str, int]] = frozenset()


class Background:
    """The jobs and networks of this machine, seen whenever somebody asks; panels of one workbench share it.

    Signals come in the window's thread. Looking is done in another one, and reads only the files that have changed.
    """

    jobs_changed = Signal()
    networks_changed = Signal()

    def __init__(self) -> None:
        self.jobs: tuple[Job, ...] = ()
        self.trouble = ""
        self._networks: frozenset[tuple[str, int]] | None = None
        self._watch = JobWatch()
        self._looking = LatestWins()
        self._looking.done.connect(self._on_looked)

    @classmethod
    def of(cls, workbench: Workbench) -> Background:
        """That of a workbench, made if there is none yet."""
        if workbench not in _backgrounds:
            _backgrounds[workbench] = cls()
        return _backgrounds[workbench]

    def look(self) -> None:
        """Look now, in a thread; what has changed is signalled."""
        self._looking.request(self._watch.look)

    def _on_looked(self, outcome: Outcome) -> None:
        trouble = "" if outcome.error is None else describe(outcome.error)
        sight = Sight(self.jobs, self._networks or frozenset()) if outcome.error is not None else outcome.value
        before, networks = (self.jobs, self.trouble), self._networks
        self.jobs, self.trouble, self._networks = sight.jobs, trouble, sight.networks
        if (self.jobs, self.trouble) != before:
            self.jobs_changed.emit()
        if networks is not None and networks != self._networks:
            self.networks_changed.emit()


@dataclass
class JobWatch:
    """Looks at the jobs again and again; those that have stopped are read anew only where their files have changed.

    Parameters
    ----------
    root
        Where jobs lie; None: where this computer's do.
    """

    root: Path | None = None
    _seen: dict[Path, tuple[Stamp, Job]] = field(default_factory=dict)

    def look(self) -> Sight:
        """What is there now."""
        from hrtem_app.jobs.folder import default_root
        from hrtem_app.jobs.queue import job_folders
        from hrtem_app.jobs.status import look_at

        seen: dict[Path, tuple[Stamp, Job]] = {}
        for folder in job_folders(self.root or default_root()):
            stamp = tuple(_stamp(path) for path in (folder.request, folder.state, folder.result, folder.events))
            known = self._seen.get(folder.path)
            # Whether a job is still at work no file tells: its process may have been killed.
            if known is None or known[0] != stamp or known[1].at_work:
                known = stamp, look_at(folder)
            seen[folder.path] = known
        self._seen = seen
        return Sight(tuple(job for _, job in seen.values()), _networks())


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size


def _networks() -> frozenset[tuple[str, int]]:
    from hrtem_app.networks.catalog import folders

    cards = [path for folder in folders() if folder.is_dir() for path in folder.glob("*.json")]
    return frozenset((str(path), stamp[0]) for path in cards if (stamp := _stamp(path)) is not None)
