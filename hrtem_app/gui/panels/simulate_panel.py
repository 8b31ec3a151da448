"""Simulate: a dataset of structures, looked at before it is made, and made in the background."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QSignalBlocker
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSpinBox

from hrtem_app.gui.jobs import Job, Outcome, describe
from hrtem_app.gui.panels.background_tab import BackgroundTab
from hrtem_app.gui.widgets.jobs.folder import PathLine
from hrtem_app.gui.widgets.jobs.launch import Content, LaunchBar
from hrtem_app.gui.widgets.jobs.notice import Notice
from hrtem_app.gui.widgets.jobs.preview import SimulatedLayers, simulate_one
from hrtem_app.gui.widgets.model_form.form import ModelForm
from hrtem_app.gui.widgets.model_form.group import Fold

if TYPE_CHECKING:
    from hrtem_app.jobs import Simulation
    from hrtem_app.microscope.draw import MicroscopeSettings
    from hrtem_app.simulation.dataset import DatasetSettings

_WHAT = ("structures", "seed")
_LARGEST_SEED = 2**31 - 1


@dataclass(frozen=True)
class Loaded:
    """What the form is made of.

    Parameters
    ----------
    simulation, microscope
        As by default.
    references
        Settings to choose from, by name.
    materials, supports
        Names that are known.
    folder
        Where datasets lie unless another place is chosen.
    """

    simulation: Simulation
    microscope: MicroscopeSettings
    references: dict[str, DatasetSettings]
    materials: tuple[str, ...]
    supports: tuple[str, ...]
    folder: Path


def load_models() -> Loaded:
    """What the form is made of; slow the first time, as it imports the science."""
    from platformdirs import user_documents_path

    from hrtem_app.jobs import Simulation
    from hrtem_app.materials import BORON_NITRIDE, GRAPHENE, NO_SUPPORT, materials
    from hrtem_app.microscope.draw import MicroscopeSettings
    from hrtem_app.simulation.dataset import DatasetSettings
    from hrtem_app.simulation.multislice import REFERENCE

    known = materials()
    brought = (material.support for material in known.values())
    supports = {support.name for support in (GRAPHENE, BORON_NITRIDE, *brought) if support is not None}
    return Loaded(
        simulation=Simulation(structures=500, seed=0),
        microscope=MicroscopeSettings(),
        references={"As accurate as the thesis": DatasetSettings(multislice=REFERENCE)},
        materials=tuple(known),
        supports=(NO_SUPPORT, *sorted(supports)),
        folder=user_documents_path() / "hrtem-app",
    )


class SimulatePanel(BackgroundTab):
    """Choose what is simulated, look at one series of it, and begin."""

    load = staticmethod(load_models)

    def build_form(self, loaded: Loaded) -> None:
        """Make the widgets."""
        self.folder = PathLine(
            "the folder of the dataset", "Where the dataset is written; one that was interrupted is gone on with"
        )
        self.folder.set_path(loaded.folder / "waves")
        fields = type(loaded.simulation).model_fields
        elsewhere = [name for name in fields if name not in (*_WHAT, "settings")]
        self.what = ModelForm(
            loaded.simulation, hidden=["settings", *elsewhere], titles={"seed": "First seed"}, files=False
        )
        self.where = ModelForm(loaded.simulation, hidden=["settings", *_WHAT], files=False)
        known = {"structure.material": loaded.materials, "structure.support": loaded.supports}
        self.settings = ModelForm(loaded.simulation.settings, known, loaded.references)
        self.microscope = ModelForm(loaded.microscope)
        self.form_column.addWidget(self.folder)
        self.form_column.addWidget(self.what)
        self.folds = [
            Fold("Structures and exit waves", "Ranges of the structures, and the multislice", self.settings),
            Fold("Microscope of the preview", "A dataset holds waves: images are formed in training", self.microscope),
            Fold("Processes and clusters", "Where it is simulated; by default on all cores here", self.where),
        ]
        for fold in self.folds:
            self.form_column.addWidget(fold)
        self.form_column.addStretch(1)
        self._build_preview()
        self.launch = LaunchBar(lambda: [self.content()], "Simulate the dataset")
        self.launch.submitted.connect(self._on_submitted)
        self.column.insertWidget(self.column.count() - 1, self.launch)

    def simulation(self) -> Content:
        """What is simulated, as JSON has a `Simulation`; ValueError where a field is wrong."""
        if not self.is_built:
            raise ValueError("what is simulated stands under Simulate, which is still loading: try again in a moment")
        what, where, settings = self.what.value(), self.where.value(), self.settings.value()
        chosen = what.model_dump(mode="json", include=set(_WHAT))
        return where.model_dump(mode="json") | chosen | {"settings": settings.model_dump(mode="json")}

    def content(self) -> Content:
        """The job, as JSON has a request; ValueError where something is wrong or missing."""
        return {"kind": "simulate", "out": str(self.folder.path()), "simulation": self.simulation()}

    def _build_preview(self) -> None:
        self._layers = SimulatedLayers(self.workbench.viewer)
        self._preview: Job | None = None
        self.preview_seed = QSpinBox()
        self.preview_seed.setRange(0, _LARGEST_SEED)
        self.preview_seed.setToolTip("Seed of the structure and of its microscope")
        self.preview_button = QPushButton("Preview")
        self.preview_button.setToolTip("Simulate one series with these settings and show it with its true columns")
        self.preview_button.clicked.connect(self._on_preview)
        self.next_button = QPushButton("Next")
        self.next_button.setToolTip("Preview the structure of the seed after this one")
        self.next_button.clicked.connect(self._on_next)
        self.preview_said = Notice()
        row = QHBoxLayout()
        row.addWidget(QLabel("Look at seed"))
        row.addWidget(self.preview_seed, 1)
        row.addWidget(self.preview_button)
        row.addWidget(self.next_button)
        self.column.insertLayout(self.column.count() - 1, row)
        self.column.insertWidget(self.column.count() - 1, self.preview_said)

    def _on_preview(self) -> None:
        if self._preview is not None:
            self._preview.cancel()
            self._end_preview("quiet", "The preview was stopped.")
            return
        try:
            dataset, microscope = self.settings.value(), self.microscope.value()
        except ValueError as error:
            self.preview_said.say("error", str(error))
            return
        contents = (part.model_dump(mode="json") for part in (dataset, microscope))
        self._preview = Job(simulate_one, self.preview_seed.value(), *contents)
        self._preview.progressed.connect(self._on_preview_progress)
        self._preview.done.connect(self._on_previewed)
        self.preview_button.setText("Stop")
        self.next_button.setEnabled(False)
        self.preview_said.say("quiet", "Simulating one series…")
        self._preview.start()

    def _on_next(self) -> None:
        blocker = QSignalBlocker(self.preview_seed)
        self.preview_seed.stepUp()
        del blocker
        self._on_preview()

    def _on_preview_progress(self, fraction: float) -> None:
        self.preview_said.say("quiet", f"Simulating one series… {100 * fraction:.0f} %")

    def _on_previewed(self, outcome: Outcome) -> None:
        if outcome.error is not None:
            self._end_preview("error", describe(outcome.error))
            return
        shown, series = outcome.value
        self._layers.show(shown, series)
        self._end_preview("done", _about(shown))

    def _end_preview(self, level: Any, text: str) -> None:
        self._preview = None
        self.preview_button.setText("Preview")
        self.next_button.setEnabled(True)
        self.preview_said.say(level, text)

    def _on_submitted(self) -> None:
        self.background.look()


def _about(shown: Any) -> str:
    """What a simulated series is, in a sentence."""
    series = shown.series
    names = [shown.class_names[one] for one in series.classes]
    counted = ", ".join(f"{names.count(name)} {name}" for name in shown.class_names)
    height, width = series.frames.shape[1:]
    dose = "no noise" if series.microscope.dose is None else f"{series.microscope.dose:.3g} e/Å²"
    defocus = ", ".join(f"{value:.0f}" for value in series.microscope.defocus)
    return (
        f"{len(series.frames)} frames of {width} by {height} px at {series.sampling:.4g} Å/px, {dose} each, "
        f"defocus {defocus} Å: {counted}."
    )
