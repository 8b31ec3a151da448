"""How this program starts processes of itself, installed in Python as well as bundled without one.

In a bundle `sys.executable` is the program, and there is no `python` that could run a module. So the bundled program
takes `-m MODULE` as Python does. Whatever starts processes that way need not know where it runs: our jobs, dask's
workers in SLURM jobs, torch's launcher.
"""

from __future__ import annotations

import os
import runpy
import sys
import traceback
from collections.abc import Sequence
from importlib.util import find_spec

# What a bundle begins with for its own libraries; `<name>_ORIG` holds what the user had, where there was something.
_LIBRARY_PATHS = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_QT_PATHS = ("QT_PLUGIN_PATH", "QML2_IMPORT_PATH")
# Without it a process of the program that another one started would do with the paths that it is given.
_ANEW = "PYINSTALLER_RESET_ENVIRONMENT"


def is_bundled() -> bool:
    """Whether this is the program that `scripts/bundle` makes, and not one that is installed in Python."""
    return bool(getattr(sys, "frozen", False))


def program_command() -> list[str]:
    """The words by which a shell finds this program: its name where it is installed, its path where it is bundled."""
    return [sys.executable] if is_bundled() else ["hrtem-app"]


def module_command(module: str, arguments: Sequence[str] = ()) -> list[str]:
    """The words that run a module of this program, or of a library of it, as a process of its own.

    Parameters
    ----------
    module
        Its full name; it runs as `__main__`.
    arguments
        Of the module.
    """
    return [sys.executable, "-m", module, *arguments]


def run_asked_module(words: Sequence[str]) -> bool:
    """Run the module that a bundled program was started for, if it was; whether it was.

    Parameters
    ----------
    words
        Behind the program's name: `-m`, a module and its arguments, perhaps with Python's `-u` before them, as torch's
        launcher has it. Anything else is none of this function's business.

    Raises
    ------
    SystemExit
        Where there is no such module, with a message; whatever the module ends with; 1 and a traceback where it fails.
    """
    asked = list(words[1:]) if words[:1] == ["-u"] else list(words)
    if asked[:1] != ["-m"]:
        return False
    module = asked[1] if len(asked) > 1 else ""
    if not module or not _is_there(module):
        sys.exit(f"hrtem-app: -m '{module}' names no module of this program: leave -m out, see hrtem-app --help")
    sys.argv[1:] = asked[2:]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except Exception:  # noqa: BLE001 - as Python itself does; the bundle's own way would add a line that is no reason
        traceback.print_exc()
        sys.exit(1)
    return True


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def restore_environment() -> None:
    """Give programs that are started from here the paths that the user had, not those of the bundle's own libraries.

    The bundle has loaded its libraries by them already, and sets them anew in each process that is the program itself.
    A file manager or `sbatch` that finds our Qt or our C++ in place of its own may not even start.
    """
    for name in _LIBRARY_PATHS:
        before = os.environ.pop(f"{name}_ORIG", None)
        os.environ.pop(name, None)
        if before is not None:
            os.environ[name] = before
    for name in _QT_PATHS:
        os.environ.pop(name, None)
    os.environ[_ANEW] = "1"
