"""The typer application and the one place where errors become words."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from hrtem_app.cli import (
    about,
    analysis,
    calibration,
    dataset,
    jobs,
    measure,
    score,
    simulation,
    study,
    timelapse,
    training,
)
from hrtem_app.cli.group import WINDOW, FilesOrCommand
from hrtem_app.cli.window import open_window, window

PROGRAM = "hrtem-app"
# What a shell expects of a program that ended by Ctrl-C, and of one that was called wrongly.
INTERRUPTED, WRONG = 130, 2

app = typer.Typer(
    name=PROGRAM,
    cls=FilesOrCommand,
    help="Find the atomic columns of two-dimensional materials in HR-TEM focal series. FILES open in the window.",
    invoke_without_command=True,
    subcommand_metavar="[FILES] | COMMAND [ARGS]...",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(WINDOW, hidden=True)(window)
for command in (
    analysis.demo,
    analysis.analyse,
    calibration.calibrate,
    calibration.align,
    measure.measure,
    timelapse.timelapse,
    score.score,
    simulation.simulate,
    training.train,
    training.evaluate,
    study.study,
    about.networks,
    about.info,
):
    app.command()(command)
app.add_typer(dataset.app, name="dataset")
app.add_typer(jobs.app, name="jobs")


def _version(wanted: bool) -> None:
    if wanted:
        import hrtem_app

        typer.echo(f"{PROGRAM} {hrtem_app.__version__}")
        raise typer.Exit


@app.callback()
def _start(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> int | None:
    return open_window([]) if context.invoked_subcommand is None else None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program.

    Parameters
    ----------
    arguments
        As from the shell, without the program's name; None: `sys.argv`.

    Returns
    -------
    0; 2 for bad input, with one line on stderr (a traceback too where `HRTEM_APP_DEBUG` is set); 130 after Ctrl-C.
    """
    try:
        code = app(args=arguments, prog_name=PROGRAM, standalone_mode=False)
    except typer.TyperException as error:
        return _refuse(error.format_message())
    except (ValueError, OSError) as error:
        # The library raises ValueError for whatever it is told wrongly, and its message names value and remedy.
        if os.environ.get("HRTEM_APP_DEBUG"):
            raise
        return _refuse(_words(error))
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    return code if isinstance(code, int) else 0


def _words(error: ValueError | OSError) -> str:
    from pydantic import ValidationError

    from hrtem_app.recipe import explain

    if isinstance(error, ValidationError):
        return explain(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'a file'}: {error.strerror}; check the path, its permissions and the free space"
    return str(error)


def _refuse(message: str) -> int:
    """Say in one line what was wrong; the exit code for it."""
    sys.stderr.write(f"{PROGRAM}: {' '.join(message.split()) or 'this does not work'}\n")
    return WRONG
