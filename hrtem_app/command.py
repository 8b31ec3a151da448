"""The shell command that repeats an analysis: what was told in the window, as words for a shell."""

from __future__ import annotations

import json
import math
import os
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from hrtem_app.bundle import program_command
from hrtem_app.recipe import Recipe

Shell = Literal["posix", "windows"]
# To the shell of Windows these end a command, or lead its output elsewhere, unless they stand in quotes.
_SPECIAL = frozenset("&|<>^()")


def analyse_command(
    paths: Sequence[str | Path], recipe: Recipe, out: str | Path | None = None, *, shell: Shell | None = None
) -> str:
    """The command that gives the same columns, bit for bit, on this computer.

    Parameters
    ----------
    paths
        The files of the series, in the order of its frames.
    recipe
        What the analysis is told.
    out
        Folder for the results; None: beside the first file, `<its name>-results`.
    shell
        Whose rules of quoting hold: `posix` (sh, bash, zsh) or `windows` (cmd); None: those of this system.

    Raises
    ------
    ValueError
        For no file at all: a series that lies in no file cannot be read by a command.
    """
    if not paths:
        raise ValueError("the series lies in no file, so no command can read it: save it to a file and open that")
    files = [Path(path).absolute() for path in paths]
    folder = files[0].with_name(f"{files[0].stem}-results") if out is None else Path(out).absolute()
    words = [*program_command(), "analyse", *map(str, files), "--out", str(folder), *recipe_options(recipe)]
    if (shell or ("windows" if os.name == "nt" else "posix")) == "posix":
        return shlex.join(words)
    return " ".join(map(_quoted, words))


def recipe_options(recipe: Recipe) -> list[str]:
    """The options of `hrtem-app analyse` that make this recipe: what differs from the defaults, and nothing else.

    Whatever has an option of its own is told by it, the rest as JSON in `--recipe`. Numbers keep all their digits.
    """
    rest = recipe.model_dump(exclude_defaults=True)
    options = [*_values(rest), *_switches(rest)]
    return [f"--recipe={json.dumps(rest, ensure_ascii=False)}", *options] if rest else options


def _values(rest: dict[str, object]) -> list[str]:
    """Options with a value, taken out of what is left to tell."""
    options = []
    for name in ("sampling", "defocus", "energy", "frames", "networks", "device", "precision", "views"):
        text = _text(rest[name]) if name in rest else None
        if text is not None:
            options.append(f"--{name}={text}")
            del rest[name]
    return options


def _switches(rest: dict[str, object]) -> list[str]:
    """Options without a value, likewise."""
    options = []
    for part, enabled, option in (("alignment", True, "--align"), ("filter", False, "--no-filter")):
        fields = rest.get(part)
        if isinstance(fields, dict) and fields.get("enabled") is enabled:
            options.append(option)
            del fields["enabled"]
            if not fields:
                del rest[part]
    return options


def _text(value: object) -> str | None:
    """A value as its option takes it; None where that would not read it back as it is."""
    if isinstance(value, tuple):
        texts = [_text(item) for item in value]
        known = [text for text in texts if text is not None and text == text.strip() and text and "," not in text]
        return ",".join(known) if known and len(known) == len(texts) else None
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else None
    return str(value)


def _quoted(word: str) -> str:
    """A word as the shell of Windows and the C runtime of a program take it."""
    quoted = subprocess.list2cmdline([word])
    # `list2cmdline` knows the runtime's rules only; a word without quotes in it is safe from the shell between some.
    plain = '"' not in quoted and not word.endswith("\\")
    return f'"{quoted}"' if plain and _SPECIAL & set(word) else quoted
