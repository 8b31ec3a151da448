"""What an import may cost: names are cheap, libraries are loaded by those who use them."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("torch", "abtem", "ase", "napari", "qtpy", "PyQt6", "scipy", "matplotlib", "rsciio", "skimage", "zarr")


def loaded_by(code: str) -> set[str]:
    """The heavy packages that a fresh Python holds after running the code."""
    script = f"import sys\n{code}\nprint(*sorted(set(sys.modules) & set({HEAVY!r})), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


@pytest.mark.parametrize(
    "code",
    [
        "import hrtem_app",
        "import hrtem_app.cli",
        "import hrtem_app.resources",
        "from hrtem_app.cli import main; assert main(['--help']) == 0",
        "from hrtem_app.cli import main; assert main(['analyse', '--help']) == 0",
        "from hrtem_app.cli import main; assert main(['--version']) == 0",
        "from hrtem_app.cli import main; assert main(['no-such-file.dm4']) == 2",
    ],
)
def test_loads_nothing_heavy(code: str) -> None:
    if "no-such-file" in code:
        code = f"import io, contextlib\nwith contextlib.redirect_stderr(io.StringIO()):\n    {code}"
    assert loaded_by(code) == set()


def test_the_check_itself_sees_what_is_loaded() -> None:
    assert "scipy" in loaded_by("import scipy")


def test_listing_networks_needs_no_torch() -> None:
    # `hrtem-app networks` reads cards only.
    assert not loaded_by("from hrtem_app.networks.catalog import available; available()") & {"torch", "abtem", "napari"}


@pytest.mark.parametrize("module", ["hrtem_app.analysis", "hrtem_app.export", "hrtem_app.evaluation.evaluate"])
def test_the_library_knows_no_window(module: str) -> None:
    assert not loaded_by(f"import {module}") & {"napari", "qtpy", "PyQt6"}


def test_public_names() -> None:
    import hrtem_app

    for name in hrtem_app.__all__:
        assert getattr(hrtem_app, name) is not None
    with pytest.raises(AttributeError, match="nothing_of_ours"):
        hrtem_app.__getattr__("nothing_of_ours")
