"""Train: networks on datasets that are there, or on a new one, in the background."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QCheckBox, QComboBox, QFormLayout, QHBoxLayout, QLabel, QSpinBox

from hrtem_app.gui.panels.background_tab import BackgroundTab
from hrtem_app.gui.panels.simulate_panel import SimulatePanel
from hrtem_app.gui.widgets.jobs.datasets import DatasetList, datasets_of
from hrtem_app.gui.widgets.jobs.folder import PathLine
from hrtem_app.gui.widgets.jobs.launch import Content, LaunchBar
from hrtem_app.gui.widgets.model_form.choice import OptionalEditor
from hrtem_app.gui.widgets.model_form.form import ModelForm
from hrtem_app.gui.widgets.model_form.group import Fold

if TYPE_CHECKING:
    from hrtem_app.jobs import Training

_FIRST = ("name", "minutes", "steps", "start", "device")
# Of these the panel says more itself; each job has a new folder, so there is nothing to resume.
_ELSEWHERE = ("network", "settings", "resume")
_NAMES = {"name": "Name in catalog", "start": "Start weights", "seed": "Seed of weights", "launch": "Launcher"}
_TEST_STRUCTURES = 24
_ADJUSTABLE = "msd_net"
_TITLES = {"unet": "U-net", "unet_pp": "U-net++", "msd_net": "MSD-net"}


@dataclass(frozen=True)
class Loaded:
    """What the form is made of.

    Parameters
    ----------
    training
        As by default.
    networks, devices, weights
        Architectures, devices, and weights to begin with that are known.
    folder
        Where trainings lie unless another place is chosen.
    """

    training: Training
    networks: tuple[str, ...]
    devices: tuple[str, ...]
    weights: tuple[str, ...]
    folder: Path


def load_models() -> Loaded:
    """What the form is made of; slow the first time, as it imports torch."""
    from platformdirs import user_documents_path

    from hrtem_app.inference.device import available_devices
    from hrtem_app.jobs import Training
    from hrtem_app.networks.catalog import architectures, folders

    return Loaded(
        training=Training(network="unet", minutes=30),
        networks=tuple(architectures()),
        devices=("auto", *available_devices()),
        weights=tuple(str(path) for folder in folders() for path in sorted(folder.glob("*.safetensors"))),
        folder=user_documents_path() / "hrtem-app",
    )


class TrainPanel(BackgroundTab):
    """Choose networks, data and settings, and begin; or let simulation, training and evaluation follow each other."""

    load = staticmethod(load_models)
    # Says what is simulated where that comes first.
    simulate: SimulatePanel | None = None

    def build_form(self, loaded: Loaded) -> None:
        """Make the widgets."""
        self.way = QComboBox()
        self.way.addItems(["on datasets that are there", "simulate, train, evaluate, add"])
        self.way.setToolTip(
            "Train on datasets; or, as one job, simulate what the Simulate tab says, train on it, evaluate on other "
            "structures of the same kind and add the network to the catalog"
        )
        self.way.currentIndexChanged.connect(self._on_way)
        networks = QHBoxLayout()
        self.networks: dict[str, QCheckBox] = {}
        for name in loaded.networks:
            box = self.networks[name] = QCheckBox(_TITLES.get(name, name))
            box.setChecked(name == "unet")
            box.setToolTip("Train this architecture; each is a job of its own")
            box.toggled.connect(self._on_networks)
            networks.addWidget(box)
        networks.addStretch(1)
        self.datasets = DatasetList(lambda: datasets_of(self.background.jobs))
        self.datasets.changed.connect(self._on_datasets)
        self.test_structures = QSpinBox()
        self.test_structures.setRange(1, 1_000_000)
        self.test_structures.setValue(_TEST_STRUCTURES)
        self.test_structures.setToolTip("Structures to evaluate on; their seeds follow those that are trained on")
        self.simulates = QLabel()
        self.simulates.setWordWrap(True)
        self.simulates.setToolTip("What the Simulate tab says; change it there")
        self.folder = PathLine("the folder of the trainings", "Each job makes a folder of its own in it")
        self.folder.set_path(loaded.folder / "trainings")
        more = [name for name in type(loaded.training).model_fields if name not in (*_FIRST, *_ELSEWHERE)]
        known = {"device": loaded.devices, "start": loaded.weights}
        self.first = ModelForm(loaded.training, known, hidden=[*_ELSEWHERE, *more], titles=_NAMES, files=False)
        self.more = ModelForm(loaded.training, hidden=[*_ELSEWHERE, *_FIRST], titles=_NAMES, files=False)
        self.settings = ModelForm(loaded.training.settings)
        self._exclude("minutes", "steps")
        self._exclude("steps", "minutes")
        self._form = form = QFormLayout()
        form.addRow("Train", self.way)
        form.addRow("Networks", networks)
        form.addRow("Datasets", self.datasets)
        form.addRow("Test structures", self.test_structures)
        form.addRow("Simulates", self.simulates)
        form.addRow("Folder", self.folder)
        self.form_column.addLayout(form)
        self.form_column.addWidget(self.first)
        self.folds = [
            Fold("Size, seeds and processes", "The architecture's size, what is held out, and processes", self.more),
            Fold("Examples, optimiser and validation", "How a network is trained", self.settings),
        ]
        for fold in self.folds:
            self.form_column.addWidget(fold)
        self.form_column.addStretch(1)
        self.launch = LaunchBar(self.contents, "Train the networks")
        self.launch.submitted.connect(self._on_submitted)
        self.column.insertWidget(self.column.count() - 1, self.launch)
        self._on_way()

    def refresh(self) -> None:
        """Say what would be simulated, as it stands under Simulate now."""
        if not self.is_built or self.simulate is None or not self._is_chain():
            return
        try:
            told = self.simulate.simulation()
        except ValueError as error:
            self.simulates.setText(str(error))
            return
        material = told["settings"]["structure"]["material"]
        self.simulates.setText(f"{told['structures']} structures of {material} from seed {told['seed']}")

    def contents(self) -> list[Content]:
        """The jobs, as JSON has requests; ValueError where something is wrong or missing."""
        chosen = self._chosen()
        if not chosen:
            raise ValueError("no network is chosen: tick one of them")
        trainings = [self._training(network, single=len(chosen) == 1) for network in chosen]
        if self._is_chain():
            return [self._chain(trainings)]
        data = [str(path) for path in self.datasets.paths()]
        if not data:
            raise ValueError("there is nothing to train on: add a dataset, or let it be simulated first")
        return [
            {"kind": "train", "data": data, "out": self._free_folder(training), "training": training}
            for training in trainings
        ]

    def _chosen(self) -> list[str]:
        return [name for name, box in self.networks.items() if box.isChecked()]

    def _training(self, network: str, single: bool) -> Content:
        first, more, settings = self.first.value(), self.more.value(), self.settings.value()
        content = more.model_dump(mode="json") | first.model_dump(mode="json", include=set(_FIRST))
        name = content["name"]
        # One name cannot be that of several networks.
        named = name if single or name is None else f"{name}_{network}"
        return content | {"network": network, "name": named, "settings": settings.model_dump(mode="json")}

    def _chain(self, trainings: list[Content]) -> Content:
        if len(trainings) > 1:
            raise ValueError("a simulated dataset is trained on by one network: tick one of them, or launch them apart")
        if self.simulate is None:
            raise ValueError("nothing says what to simulate: open this panel together with Simulate")
        (training,) = trainings
        # Scored under the microscopes that it was trained for.
        microscope = training["settings"]["examples"]["sources"][0]["microscope"]
        return {
            "kind": "chain",
            "folder": self._free_folder(training),
            "simulation": self.simulate.simulation(),
            "test_structures": self.test_structures.value(),
            "training": training,
            "evaluation": {"microscope": microscope, "recipe": {"device": training["device"]}},
        }

    def _free_folder(self, training: Content) -> str:
        """A folder of the network's name, with a number behind it where another job has that."""
        name = training["name"] or training["network"]
        requests = [job.request or {} for job in self.background.jobs]
        taken = {str(request.get("out") or request.get("folder")) for request in requests}
        base, number = self.folder.path() / name, 1
        path = base
        while path.exists() or str(path) in taken:
            number += 1
            path = base.with_name(f"{name}-{number}")
        return str(path)

    def _is_chain(self) -> bool:
        return self.way.currentIndex() == 1

    def _on_way(self) -> None:
        if self._is_chain() and self.simulate is not None:
            self.simulate.ensure_loaded()
        self._form.setRowVisible(self.datasets, not self._is_chain())
        self._form.setRowVisible(self.test_structures, self._is_chain())
        self._form.setRowVisible(self.simulates, self._is_chain())
        self.refresh()
        self._match_sources(1 if self._is_chain() else len(self.datasets.paths()))

    def _on_networks(self) -> None:
        chosen = self._chosen()
        if chosen and self.is_built:
            # The network that takes most arguments decides which of them are marked as wrong.
            self.more.set_hidden(network=_ADJUSTABLE if _ADJUSTABLE in chosen else chosen[0])

    def _on_datasets(self) -> None:
        self._match_sources(len(self.datasets.paths()))

    def _match_sources(self, count: int) -> None:
        """Have one source for each dataset; a new one is seen as the last one before it."""
        content = self.settings.content()
        sources = content["examples"]["sources"]
        if count and len(sources) != count:
            more = [sources[-1]] * (count - len(sources))
            content["examples"]["sources"] = [*sources[:count], *more]
            self.settings.set_content(content)

    def _exclude(self, ticked: str, other: str) -> None:
        """A budget is in minutes or in steps: ticking one takes the tick of the other away."""
        mine, its = (self.first.fields.rows[name].editor for name in (ticked, other))
        if isinstance(mine, OptionalEditor) and isinstance(its, OptionalEditor):
            box = its.box

            def untick(is_there: bool) -> None:
                if is_there and box.isChecked():
                    box.setChecked(False)

            mine.box.toggled.connect(untick)

    def _on_submitted(self) -> None:
        self.background.look()
