from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from pydantic import ValidationError

from hrtem_app.gui.session import Session
from hrtem_app.gui.shown import counts, shown_rows, status_line, used_frames
from hrtem_app.recipe import Recipe


def _analysis(fakes: ModuleType, series: Any, recipe: Recipe) -> Any:
    steps = fakes.fake_steps(series, recipe)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


@pytest.fixture
def session(fakes: ModuleType) -> Session:
    session = Session()
    session.open(fakes.make_series())
    return session


def test_what_the_user_corrects_is_in_the_recipe_and_the_file_is_untouched(session: Session) -> None:
    session.change(sampling=0.3, defocus=(1.0, 2.0, 3.0))
    assert session.series is not None
    assert session.file_series is not None
    assert (session.series.sampling, session.series.defocus) == (0.3, (1.0, 2.0, 3.0))
    assert session.file_series.sampling == 0.22


def test_a_region_to_measure_in_belongs_to_its_series_and_can_be_undone(session: Session, fakes: ModuleType) -> None:
    corners = ((0.0, 0.0), (0.0, 9.0), (9.0, 9.0))
    session.change_measure(votes=2)
    session.change_measure(region=corners)
    session.undo()
    assert (session.recipe.measure.region, session.recipe.measure.votes) == (None, 2)
    session.redo()
    assert session.recipe.measure.region == corners
    session.open(fakes.make_series(name="other"))
    assert (session.recipe.measure.region, session.recipe.measure.votes) == (None, 2)


def test_another_series_takes_nothing_of_the_last_one_with_it(session: Session, fakes: ModuleType) -> None:
    session.change(sampling=0.3, frames=(0, 1), networks=("unet",))
    session.change_filter(angles=(0.1,), radius=0.015)
    session.open(fakes.make_series(name="other"))
    recipe = session.recipe
    assert (recipe.sampling, recipe.frames, recipe.filter.angles) == (None, None, None)
    assert (recipe.networks, recipe.filter.radius) == (("unet",), 0.015)


@pytest.mark.parametrize(
    ("change", "stale"),
    [
        ({"filter": {"radius": 0.01}}, True),
        ({"networks": ("unet",)}, True),
        ({"energy": 80e3}, True),
        ({"device": "cpu"}, False),
        ({"measure": {"votes": 2}}, False),
    ],
)
def test_results_are_stale_when_what_they_depend_on_changes(
    session: Session, fakes: ModuleType, change: dict[str, Any], stale: bool
) -> None:
    series = session.file_series
    assert series is not None
    assert session.accept_analysis(_analysis(fakes, series, session.recipe), series)
    session.change(**change)
    assert session.stale is stale


def test_a_result_lands_only_on_the_series_it_was_started_for(session: Session, fakes: ModuleType) -> None:
    series = session.file_series
    assert series is not None
    analysis = _analysis(fakes, series, session.recipe)
    session.open(fakes.make_series(name="other"))
    assert not session.accept_analysis(analysis, series)
    assert session.analysis is None


def test_warnings_stay_until_they_are_dismissed(fakes: ModuleType) -> None:
    from dataclasses import replace

    session = Session()
    session.open(replace(fakes.make_series(), warnings=("axes differ",)))
    session.change(sampling=0.3)
    assert [m.text for m in session.messages] == ["axes differ"]
    session.dismiss(session.messages[0])
    assert session.messages == ()


def test_a_value_out_of_bounds_changes_nothing(session: Session) -> None:
    before = session.recipe
    with pytest.raises(ValidationError):
        session.change_filter(radius=-1)
    assert session.recipe is before


def test_votes_choose_rows_and_counts_follow(session: Session, fakes: ModuleType) -> None:
    series = session.file_series
    assert series is not None
    analysis = _analysis(fakes, series, session.recipe)
    session.accept_analysis(analysis, series)
    session.change_view(votes=3)
    rows = shown_rows(analysis.table, session.view)
    assert 0 < rows.sum() < len(analysis.table)
    assert sum(counts(analysis, analysis.table, session.view).shown.values()) == rows.sum()


@pytest.mark.parametrize(
    ("defocus", "frames", "expected"),
    [((50.0, 0.0, -50.0), None, (2, 1, 0)), (None, None, (0, 1, 2)), ((50.0, 0.0, -50.0), (0, 1), (0, 1))],
)
def test_used_frames(fakes: ModuleType, defocus: Any, frames: Any, expected: tuple[int, ...]) -> None:
    series = fakes.make_series().with_defocus(defocus)
    assert used_frames(series, Recipe(frames=frames)) == expected


@pytest.mark.parametrize("frames", [1, 2])
def test_of_too_few_frames_the_first_is_used(fakes: ModuleType, frames: int) -> None:
    assert used_frames(fakes.make_series(frames=frames), Recipe()) == (0,)


def test_the_next_step_is_always_named(fakes: ModuleType) -> None:
    from hrtem_app.analysis import Progress
    from hrtem_app.correction import Delete

    session = Session()
    assert "Open" in status_line(session)
    session.open(fakes.make_series(sampling=None))
    assert "sampling" in status_line(session)
    series = fakes.make_series()
    session.open(series)
    assert "run" in status_line(session)
    session.set_busy("analyse", True)
    assert status_line(session).startswith("Running")
    session.set_progress(Progress("unet", 0.25))
    assert status_line(session) == "Running: unet, 25%."
    session.set_busy("analyse", False)
    session.accept_analysis(_analysis(fakes, series, session.recipe), series)
    assert "then export" in status_line(session)
    session.set_busy("export", True)
    assert status_line(session).startswith("Writing")
    session.set_busy("export", False)
    session.note_exported(session.table)
    assert "are written" in status_line(session)
    session.correct(Delete(ids=(int(session.table.ids[0]),)))
    assert "export again" in status_line(session)
    session.change(precision="bfloat16")
    assert "run again" in status_line(session)
