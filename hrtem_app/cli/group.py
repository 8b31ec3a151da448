"""A group of commands that also takes files: `hrtem-app FILE` beside `hrtem-app COMMAND`."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup

WINDOW = "window"


class FilesOrCommand(TyperGroup):
    """A group that hands its arguments to the hidden command `window` where the first names no command."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The command and its arguments; whatever is no command is the first of the files to open."""
        if self.get_command(ctx, args[0]) is None:
            # Only behind a `--` can a file's name start with a dash; it must stay behind one.
            guard = ["--"] if args[0].startswith("-") else []
            args = [WINDOW, *guard, *args]
        return super().resolve_command(ctx, args)
