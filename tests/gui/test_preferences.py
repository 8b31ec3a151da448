from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import napari.settings
import pytest
from napari.components import ViewerModel

from hrtem_app.gui.preferences import PLUGIN, plugin_settings
from hrtem_app.gui.session import Session, View
from hrtem_app.gui.workbench import Workbench
from hrtem_app.recipe import Recipe

Begin = Callable[[], Workbench]


@pytest.fixture
def preferred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Our page of the preferences, kept in a folder of the test's own."""
    monkeypatch.setattr(napari.settings, "_PLUGIN_SETTINGS", {})
    napari.settings.get_plugin_settings(path_dir=tmp_path)
    settings = plugin_settings()
    assert settings is not None
    return settings


@pytest.fixture
def begin(qtbot: Any) -> Iterator[Begin]:
    """Makes workbenches, and closes them in the end."""
    made: list[tuple[ViewerModel, Workbench]] = []

    def make() -> Workbench:
        viewer = ViewerModel()
        made.append((viewer, Workbench.of(viewer)))
        return made[-1][1]

    yield make
    for _, workbench in made:
        workbench.close()


def test_defaults_are_those_of_a_session_without_preferences(preferred: Any, begin: Begin) -> None:
    workbench = begin()
    assert workbench.session.recipe == Recipe()
    assert workbench.session.view == View()
    assert workbench.session.messages == ()


def test_a_new_window_begins_with_the_preferred_recipe_and_device(
    preferred: Any, begin: Begin, tmp_path: Path, fakes: ModuleType
) -> None:
    recipe = Recipe(networks=("unet",), precision="bfloat16")
    recipe.save(tmp_path / "ours.json")
    preferred.analysis.recipe = str(tmp_path / "ours.json")
    preferred.analysis.device = "cpu"
    workbench = begin()
    expected = recipe.model_copy(update={"device": "cpu"})
    assert workbench.session.recipe == expected
    assert not workbench.session.undo_text
    workbench.open_series(fakes.make_series())
    assert workbench.session.recipe.networks == ("unet",)


@pytest.mark.parametrize("content", [None, "{", '{"colour": 3}'])
def test_a_recipe_that_cannot_be_read_is_said_and_the_default_taken(
    preferred: Any, begin: Begin, tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "ours.json"
    if content is not None:
        path.write_text(content)
    preferred.analysis.recipe = str(path)
    session = begin().session
    assert session.recipe == Recipe()
    (message,) = session.messages
    assert message.level == "warning"
    assert str(path) in message.text


def test_colours_follow_the_preferences_while_the_window_is_open(preferred: Any, begin: Begin) -> None:
    workbench = begin()
    preferred.drawing.palette = "colour-blind"
    preferred.drawing.equal_dots = True
    assert workbench.session.view.palette == "colour-blind"
    assert workbench.session.view.equal_dots
    assert begin().session.view.palette == "colour-blind"


def test_a_closed_workbench_follows_no_longer(preferred: Any, begin: Begin) -> None:
    workbench = begin()
    workbench.close()
    preferred.drawing.palette = "colour-blind"
    assert workbench.session.view.palette == "thesis"


def test_what_is_set_is_there_at_the_next_start(preferred: Any, tmp_path: Path) -> None:
    preferred.drawing.palette = "colour-blind"
    again = type(preferred)(config_path=tmp_path / f"{PLUGIN}.yaml")
    assert again.drawing.palette == "colour-blind"


def test_a_palette_that_does_not_exist_is_refused(preferred: Any) -> None:
    with pytest.raises(ValueError, match="not one of the allowed"):
        preferred.drawing.palette = "rainbow"


def test_a_recipe_to_begin_with_comes_before_any_series(fakes: ModuleType) -> None:
    session = Session()
    session.open(fakes.make_series())
    session.begin_with(Recipe(networks=("unet",)))
    assert session.recipe.networks == Recipe().networks
