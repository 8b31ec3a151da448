"""Autosaves of processes that died: what the next start can offer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from hrtem_app.sessions.autosave_folder import STATE, AutosaveFolder, StateHead, default_root
from hrtem_app.sessions.content import SessionError
from hrtem_app.sessions.owners import is_orphan, own_name


@dataclass(frozen=True)
class Pending:
    """An autosave whose process is dead.

    Parameters
    ----------
    folder
        Where it lies.
    when
        Of its last change.
    series
        Name of the series.
    edits
        How many corrections are done in it.
    """

    folder: Path
    when: datetime
    series: str
    edits: int


def pending(root: str | Path | None = None) -> tuple[Pending, ...]:
    """The autosaves that nobody works on, the newest first; removes those that hold nothing.

    An autosave of another computer, in a folder that both share, counts once nothing was written to it for a day.

    Parameters
    ----------
    root
        Where autosaves lie; None: see `default_root`.
    """
    folder = default_root() if root is None else Path(root)
    try:
        orphans = [path for path in folder.iterdir() if is_orphan(path, _touched(path))]
    except OSError:
        return ()
    found = [entry for entry in map(_entry, orphans) if entry is not None]
    return tuple(sorted(found, key=lambda entry: entry.when, reverse=True))


def discard(entry: Pending) -> None:
    """Remove an autosave for good.

    Raises
    ------
    SessionError
        Where another window has it.
    """
    claim(entry).remove()


def claim(entry: Pending) -> AutosaveFolder:
    """Make an autosave this process' own; of several that try it at once one succeeds.

    Raises
    ------
    SessionError
        Where another window has it.
    """
    own = entry.folder.with_name(own_name())
    try:
        # The name says who owns it, so nothing can come in between.
        entry.folder.rename(own)
    except OSError as error:
        raise SessionError(
            f"the autosave of '{entry.series}' cannot be taken ({error}): another window took or removed it; "
            "look there, or choose another one"
        ) from error
    return AutosaveFolder(own)


def release(own: AutosaveFolder, entry: Pending) -> None:
    """Give back what was claimed, for the next start to offer."""
    own.path.rename(entry.folder)


def _entry(folder: Path) -> Pending | None:
    """What there is to say of an orphan; None for one that holds no state or one that cannot be read."""
    try:
        head = StateHead.model_validate_json((folder / STATE).read_bytes())
    except FileNotFoundError:
        # Its process died before it had written anything.
        AutosaveFolder(folder).remove()
        return None
    except (OSError, ValueError):
        return None
    return Pending(folder, head.summary.when, head.summary.series, head.summary.edits)


def _touched(folder: Path) -> float:
    """When an autosave was last written to; 0 for one that vanishes meanwhile."""
    state = folder / STATE
    try:
        return (state if state.exists() else folder).stat().st_mtime
    except OSError:
        return 0.0
