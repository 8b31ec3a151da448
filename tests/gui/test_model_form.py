"""The form of a model: every model that the window shows goes in and out of it unchanged, and nothing typed is lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pytest
from pydantic import Field
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import QApplication, QFileDialog

from hrtem_app.gui.widgets.model_form.form import ModelForm
from hrtem_app.gui.widgets.model_form.shape import Limits, shape_of
from hrtem_app.microscope.draw import MicroscopeSettings
from hrtem_app.microscope.treatment import TreatmentSettings
from hrtem_app.ranges import Bounds, Range
from hrtem_app.recipe import MeasureSettings, Part, Recipe
from hrtem_app.simulation.dataset import DatasetSettings
from hrtem_app.simulation.multislice import REFERENCE, MultisliceSettings
from hrtem_app.simulation.structure_settings import StructureSettings
from hrtem_app.training.batches import ExampleSettings, Source
from hrtem_app.training.settings import TrainingSettings

MODELS = [StructureSettings, MultisliceSettings, DatasetSettings, MicroscopeSettings, TreatmentSettings]
MODELS += [ExampleSettings, TrainingSettings, Recipe, MeasureSettings]
# One of each kind with values that a box of so many digits would not hold.
ODD = [
    DatasetSettings(
        structure=StructureSettings(
            lattice_constant=(3.1604123456789, 3.19), turns=(0.1, np.pi / 7), whole_flake=False
        ),
        multislice=MultisliceSettings(slices=0.25, sampling=0.1, displacements={"Mo": 0.0512345678, "S": 0.06}),
    ),
    TrainingSettings(
        examples=ExampleSettings(
            sources=(Source(), Source(share=0.3, microscope=MicroscopeSettings(aperture=(0.01, 0.0123456789)))),
            images_per_structure=7,
        ),
        patience=3,
        learning_rate=1.23456789e-5,
    ),
    Recipe(defocus=(-50.5, 0.0, 1e-7), networks=("unet",), measure=MeasureSettings(region=((0, 0), (0, 9.5), (9, 0)))),
]


@pytest.fixture
def add_form(qtbot: Any) -> Any:
    def add(part: Part, **options: Any) -> ModelForm:
        form = ModelForm(part, **options)
        qtbot.addWidget(form)
        with qtbot.waitExposed(form):
            form.show()
        return form

    return add


def type_into(qtbot: Any, line: Any, text: str) -> None:
    line.selectAll()
    qtbot.keyClicks(line, text) if text else qtbot.keyClick(line, Qt.Key.Key_Delete)


def open_all(group: Any) -> None:
    folds = group.folds.values() if isinstance(group.folds, dict) else group.folds
    for fold in folds:
        fold.set_open(True)
        open_all(fold.body)


@pytest.mark.parametrize("model", MODELS)
def test_every_model_comes_out_as_it_went_in(add_form: Any, model: type[Part]) -> None:
    form = add_form(model())
    assert form.value() == model()
    assert form.problem == ""
    assert form.fields.show_state([]) == (0, 0)


@pytest.mark.parametrize("part", ODD, ids=lambda part: type(part).__name__)
def test_values_are_held_with_all_their_digits(add_form: Any, part: Part) -> None:
    form = add_form(type(part)())
    form.set_value(part)
    assert form.value() == part
    open_all(form.fields)
    assert form.value() == part
    assert "not as by default" in form.said.text()


def test_typing_changes_one_field_and_marks_it(add_form: Any, qtbot: Any) -> None:
    form = add_form(DatasetSettings())
    form.fields.folds["structure"].header.click()
    row = form.fields.groups["structure"].rows["field_of_view"]
    with qtbot.waitSignal(form.changed):
        type_into(qtbot, row.editor.box.line, "80,5")
    assert form.value() == DatasetSettings(structure=StructureSettings(field_of_view=80.5))
    assert row.back.isVisible()
    assert "70" in row.back.toolTip()
    assert form.fields.folds["structure"].state.text() == "1 changed"
    qtbot.mouseClick(row.back, Qt.MouseButton.LeftButton)
    assert form.value() == DatasetSettings()
    assert not row.back.isVisible()
    assert form.fields.folds["structure"].state.text() == ""


@pytest.mark.parametrize("text", ["500", "wide", "", "7e"])
def test_what_is_wrong_stays_and_is_said(add_form: Any, qtbot: Any, text: str) -> None:
    form = add_form(StructureSettings())
    row = form.fields.rows["field_of_view"]
    type_into(qtbot, row.editor.box.line, text)
    assert row.editor.box.line.text() == text
    assert row.wrong.isVisible()
    with pytest.raises(ValueError, match="field_of_view = "):
        form.value()
    others = [r for name, r in form.fields.rows.items() if name != "field_of_view"]
    assert not any(r.wrong.isVisible() for r in others)
    type_into(qtbot, row.editor.box.line, "60")
    assert not row.wrong.isVisible()
    assert form.value() == StructureSettings(field_of_view=60)


def test_pydantics_words_stand_at_their_place(add_form: Any, qtbot: Any) -> None:
    form = add_form(DatasetSettings())
    open_all(form.fields)
    structure, multislice = form.fields.groups["structure"], form.fields.groups["multislice"]
    type_into(qtbot, structure.rows["distance"].editor.boxes[0].line, "8")
    assert structure.rows["distance"].wrong.text() == "8 to 7 is no range: give the lower number first"
    # What concerns a part as a whole stands at its head.
    type_into(qtbot, multislice.rows["sampling"].editor.box.line, "0.19")
    assert "aliases" in multislice.wrong.text()
    assert "✖ 1" in form.fields.folds["multislice"].state.text()
    assert "2 are wrong" in form.said.text()


def test_steps_stay_inside_of_the_bounds(add_form: Any, qtbot: Any) -> None:
    form = add_form(StructureSettings())
    box = form.fields.rows["field_of_view"].editor.box
    qtbot.keyClick(box, Qt.Key.Key_Up)
    assert form.value().field_of_view == 71
    for _ in range(60):
        qtbot.keyClick(box, Qt.Key.Key_PageUp)
    assert form.value().field_of_view == 300
    for _ in range(200):
        qtbot.keyClick(box, Qt.Key.Key_PageDown)
    assert form.value().field_of_view == 20


@pytest.mark.parametrize(
    ("limits", "number", "steps", "expected"),
    [
        (Limits(0, 1), 0.13, 1, 0.14),
        (Limits(0, 1), 0.1, -1, 0.099),
        (Limits(0, 1), 0.0, 1, 0.1),
        (Limits(), 100.0, -1, 99.0),
        (Limits(), -150000.0, 1, -140000.0),
        (Limits(), -150000.0, -1, -160000.0),
        (Limits(0, 1, open_least=True), 0.1, -200, 0.1),
        (Limits(32, 2048, multiple=8, whole=True), 160, 1, 168),
        (Limits(1, 20, whole=True), 20, 1, 20),
    ],
)
def test_a_step_suits_its_number(limits: Limits, number: float, steps: int, expected: float) -> None:
    assert limits.stepped(number, steps) == pytest.approx(expected, rel=1e-12)


def test_an_absent_value_comes_with_a_tick(add_form: Any, qtbot: Any) -> None:
    form = add_form(MicroscopeSettings())
    editor = form.fields.rows["aperture"].editor
    assert not editor.inner.isEnabled()
    qtbot.mouseClick(editor.box, Qt.MouseButton.LeftButton, pos=QPoint(8, editor.box.height() // 2))
    assert form.value().aperture == (0.001, 0.5)
    type_into(qtbot, editor.inner.boxes[0].line, "0.02")
    editor.box.click()
    assert form.value().aperture is None
    editor.box.click()
    assert form.value().aperture == (0.02, 0.5)


def test_words_or_a_number(add_form: Any, qtbot: Any) -> None:
    form = add_form(MultisliceSettings())
    editor = form.fields.rows["slices"].editor
    assert form.value().slices == "planes"
    editor.box.setCurrentText("a number")
    number = editor.findChildren(type(form.fields.rows["sampling"].editor.box))[-1]
    assert number.isVisible()
    type_into(qtbot, number.line, "0.5")
    assert form.value().slices == 0.5
    editor.box.setCurrentText("planes")
    assert form.value().slices == "planes"


def test_lists_and_mappings_are_typed_in_one_line(add_form: Any, qtbot: Any) -> None:
    form = add_form(DatasetSettings())
    open_all(form.fields)
    turns = form.fields.groups["structure"].rows["turns"]
    type_into(qtbot, turns.editor.line, "0, 0.5, x")
    assert "number" in turns.wrong.text()
    type_into(qtbot, turns.editor.line, "0, 0.5")
    displacements = form.fields.groups["multislice"].rows["displacements"]
    type_into(qtbot, displacements.editor.line, "Mo 0.05")
    assert displacements.wrong.isVisible()
    type_into(qtbot, displacements.editor.line, "Mo = 0.05, S = 0.06")
    value = form.value()
    assert value.structure.turns == (0, 0.5)
    assert value.multislice.displacements == {"Mo": 0.05, "S": 0.06}


def test_groups_are_added_and_taken_away(add_form: Any, qtbot: Any) -> None:
    form = add_form(ExampleSettings())
    open_all(form.fields)
    sources = form.fields.groups["sources"]
    type_into(qtbot, sources.groups[0].rows["share"].editor.box.line, "3")
    qtbot.mouseClick(sources.add_button, Qt.MouseButton.LeftButton)
    type_into(qtbot, sources.groups[1].rows["share"].editor.box.line, "0")
    assert sources.groups[1].rows["share"].wrong.text()
    assert not sources.groups[0].rows["share"].wrong.text()
    type_into(qtbot, sources.groups[1].rows["share"].editor.box.line, "2")
    assert [source.share for source in form.value().sources] == [3, 2]
    # What concerns two of them together belongs to none.
    sources.groups[1].folds["microscope"].set_open(True)
    type_into(qtbot, sources.groups[1].groups["microscope"].rows["frames"].editor.box.line, "1")
    assert "frames make no network" in form.fields.wrong.text()
    sources.folds[0].line.itemAt(3).widget().click()
    assert [source.share for source in form.value().sources] == [2]


def test_units_and_bounds_stand_beside_the_fields() -> None:
    class Settings(Part):
        width: Annotated[float, Field(gt=0, lt=2, description="Width of the edge in Å.")] = 1.0
        dose: Annotated[Range, Bounds(1, 9, "e/Å²"), Field(description="In each frame.")] = (1.0, 2.0)
        kind: Annotated[Literal["a", "b"], Field(description="Written in Å.")] = "a"
        radius: Annotated[float | None, Field(gt=0, description="Radius of each disk, 1/Å.")] = None

    shapes = {shape.name: shape for shape in shape_of(Settings).parts}
    assert {name: shape.unit for name, shape in shapes.items()} == {
        "width": "Å",
        "dose": "e/Å²",
        "kind": "",
        "radius": "1/Å",
    }
    assert shapes["width"].limits == Limits(0, 2, open_least=True, open_greatest=True)
    assert (shapes["dose"].kind, shapes["dose"].limits) == ("range", Limits(1, 9))
    assert shapes["radius"].optional


def test_every_field_has_a_tooltip(add_form: Any) -> None:
    form = add_form(TrainingSettings())

    def check(group: Any) -> None:
        for name, row in getattr(group, "rows", {}).items():
            assert row.editor.toolTip(), name
        for inner in group.groups.values() if isinstance(group.groups, dict) else group.groups:
            check(inner)

    check(form.fields)
    assert "Å" in form.fields.groups["examples"].rows["label_radius"].editor.toolTip()


def test_files_are_those_of_the_command_line(add_form: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hrtem_app.recipe import load_settings

    form = add_form(DatasetSettings())
    form.set_value(ODD[0])
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "settings.json"), ""))
    form.save_button.click()
    assert load_settings(tmp_path / "settings.json", DatasetSettings) == ODD[0]
    form.set_value(DatasetSettings())
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(tmp_path / "settings.json"), ""))
    form.load_button.click()
    assert form.value() == ODD[0]
    (tmp_path / "settings.json").write_text(json.dumps({"structure": {"field_of_view": 1}}))
    form.load_button.click()
    assert "field_of_view = 1: 1 is outside of 20 to 300 Å" in form.said.text()
    assert form.value() == ODD[0]
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(tmp_path / "none.json"), ""))
    form.load_button.click()
    assert "cannot be read" in form.said.text()


def test_what_is_wrong_is_not_saved(add_form: Any, qtbot: Any, tmp_path: Path) -> None:
    form = add_form(StructureSettings())
    type_into(qtbot, form.fields.rows["margin"].editor.box.line, "-1")
    with pytest.raises(ValueError, match="margin = -1"):
        form.save(tmp_path / "settings.json")
    assert not (tmp_path / "settings.json").exists()


def test_presets_fill_the_form(add_form: Any) -> None:
    reference = DatasetSettings(multislice=REFERENCE)
    form = add_form(DatasetSettings(), presets={"thesis": reference})
    defaults, thesis = form.menu.actions()
    thesis.trigger()
    assert form.value() == reference
    defaults.trigger()
    assert form.value() == DatasetSettings()


def test_hidden_fields_stay_as_they_are(add_form: Any) -> None:
    part = StructureSettings(margin=7, field_of_view=55)
    form = add_form(part, hidden=["margin"], files=False)
    assert "margin" not in form.fields.rows
    assert form.value() == part
    assert not form.load_button.isVisible()


def test_the_wheel_scrolls_the_form(add_form: Any) -> None:
    form = add_form(StructureSettings())
    form.fields.rows["margin"].editor.box.setFocus()
    for name in ("field_of_view", "support"):
        box = form.fields.rows[name].editor.box if name == "field_of_view" else form.fields.rows[name].editor.line
        centre = QPointF(box.rect().center())
        event = QWheelEvent(
            centre,
            QPointF(box.mapToGlobal(box.rect().center())),
            QPoint(0, 0),
            QPoint(0, 120),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(box, event)
    assert form.value() == StructureSettings()
