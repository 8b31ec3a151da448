"""Fixtures of the window's tests: real viewers, real events, networks that are made by hand."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

_HERE = Path(__file__).parent
_NO_SCREEN = sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a screen where there is none."""
    for item in items:
        if _NO_SCREEN and _HERE in item.path.parents:
            item.add_marker(pytest.mark.skip(reason="there is no screen: run under xvfb-run"))


def _load_fakes() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gui_fakes", _HERE / "fakes.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def _own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """What tests leave behind is not offered to anybody, and what a person left is not shown to them."""
    monkeypatch.setenv("HRTEM_APP_AUTOSAVE", str(tmp_path_factory.mktemp("autosave")))
    monkeypatch.setenv("HRTEM_APP_JOBS", str(tmp_path_factory.mktemp("jobs")))


@pytest.fixture(scope="session")
def fakes() -> ModuleType:
    """The module beside this one: series, cards and analyses made by hand."""
    return _load_fakes()


@pytest.fixture
def qtbot(qtbot: Any) -> Any:
    """pytest-qt's, with the patience that a loaded machine needs: what never comes is ended by pytest's own timeout."""
    for name in ("waitUntil", "waitSignal", "wait_exposed"):
        setattr(qtbot, name, partial(getattr(qtbot, name), timeout=60_000))
    return qtbot


@pytest.fixture
def viewer(qtbot: Any) -> Any:
    """A viewer without a window: all that workbench and panels need, and quick to make."""
    from napari.components import ViewerModel

    return ViewerModel()


@pytest.fixture
def networks(monkeypatch: pytest.MonkeyPatch, fakes: ModuleType) -> None:
    """Networks that need no weights and no time."""
    import hrtem_app.analysis
    import hrtem_app.networks.catalog

    monkeypatch.setattr(hrtem_app.analysis, "analysis_steps", fakes.fake_steps)
    cards = {name: fakes.make_card(name) for name in fakes.NAMES}
    monkeypatch.setattr(hrtem_app.networks.catalog, "available", lambda: cards)


@pytest.fixture
def settled(qtbot: Any) -> Iterator[None]:
    """Lets threads end before what they report to is gone."""
    yield
    from qtpy.QtCore import QThreadPool

    QThreadPool.globalInstance().waitForDone(10000)
    qtbot.wait(20)


@pytest.fixture
def add_panel(viewer: Any, qtbot: Any, settled: None) -> Callable[[type], Any]:
    """Shows a panel of the viewer on screen."""

    def add(kind: type) -> Any:
        panel = kind(viewer)
        qtbot.addWidget(panel)
        with qtbot.wait_exposed(panel):
            panel.show()
        return panel

    return add
