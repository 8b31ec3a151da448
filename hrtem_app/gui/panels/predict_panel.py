"""Predict: which networks run where, and how far they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from qtpy.QtCore import QSignalBlocker, QTimer
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QCheckBox, QComboBox, QFormLayout, QHBoxLayout, QLabel, QProgressBar, QPushButton

from hrtem_app.gui import theme
from hrtem_app.gui.background import Background
from hrtem_app.gui.jobs import Job, Outcome, describe
from hrtem_app.gui.links import Link
from hrtem_app.gui.panels.base import Panel
from hrtem_app.gui.shown import status_line

if TYPE_CHECKING:
    from hrtem_app.networks.catalog import NetworkCard

# Between two looks for networks that came while the panel is on screen.
_LOOK_MS = 3000
_VIEWS = {1: "as it is", 2: "2, half a turn", 4: "4, half turn and mirrors", 8: "8, all turns and mirrors"}


def load_cards() -> Mapping[str, NetworkCard]:
    """The cards of the networks there are."""
    from hrtem_app.networks.catalog import available

    return available()


def load_devices() -> tuple[str, ...]:
    """The devices of this machine; slow the first time, as it imports torch."""
    from hrtem_app.inference.device import available_devices

    return available_devices()


class PredictPanel(Panel):
    """Run the networks on the filtered series."""

    source = "predict"

    def build(self) -> None:
        """Make the widgets."""
        self.networks: dict[str, QCheckBox] = {}
        self.titles: dict[str, str] = {}
        self.device = QComboBox()
        self.device.addItem("auto")
        self.device.setToolTip("Where the networks run; auto takes a graphics card if there is one")
        self.device.currentTextChanged.connect(self._on_device)
        self.views = QComboBox()
        for views, text in _VIEWS.items():
            self.views.addItem(text, views)
        self.views.setToolTip(
            "Average what each network says of the series as it is, turned and mirrored, in a run that takes so "
            "many times as long; with the shipped networks that gained nothing on simulated series"
        )
        self.views.currentIndexChanged.connect(self._on_views)
        self.run_button = QPushButton("Run")
        self.run_button.setToolTip("Filter, run the networks and match their columns (F5)")
        self.run_button.clicked.connect(self._on_run)
        self.cancel_button = QPushButton("Cancel")
        self.cancel_button.setToolTip("Stop at the next step; earlier results stay")
        self.cancel_button.clicked.connect(self._on_cancel)
        self.progress = QProgressBar()
        self.progress.setRange(0, 1000)
        self.step = QLabel()
        self.step.setWordWrap(True)
        self._boxes = QFormLayout()
        self._boxes.addRow("Device", self.device)
        self._boxes.addRow("Views", self.views)
        buttons = QHBoxLayout()
        buttons.addWidget(self.run_button, 1)
        buttons.addWidget(self.cancel_button)
        self.column.addLayout(self._boxes)
        self.column.addLayout(buttons)
        self.column.addWidget(self.progress)
        self.column.addWidget(self.step)
        self._devices: Job | None = None
        self._background = Background.of(self.workbench)
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_MS)
        self._timer.timeout.connect(self._on_timer)
        self._timer.start()
        self.reload_cards()

    def links(self) -> list[Link]:
        """Follow recipe, jobs and results."""
        session = self.session
        signals = (
            session.series_changed,
            session.recipe_changed,
            session.activity_changed,
            session.analysis_changed,
            session.view_changed,
        )
        return [
            *((signal, self.update_view) for signal in signals),
            (self._background.networks_changed, self.reload_cards),
        ]

    def reload_cards(self) -> None:
        """List the networks that there are now; read in a thread."""
        self._cards = Job(load_cards)
        self._cards.done.connect(self._on_cards)
        self._cards.start()

    def refresh(self) -> None:
        """Show what is chosen and how far the run is."""
        session = self.session
        running = "analyse" in session.busy
        for name, box in self.networks.items():
            blocker = QSignalBlocker(box)
            box.setChecked(name in session.recipe.networks)
            del blocker
            theme.colour_text(box, theme.network_ink(name, session.view.palette), self)
        blocker = QSignalBlocker(self.views)
        self.views.setCurrentIndex(list(_VIEWS).index(session.recipe.views))
        del blocker
        self.run_button.setEnabled(session.ready and not running and bool(self.networks))
        self.run_button.setText("Run again" if session.analysis is not None else "Run")
        self.cancel_button.setEnabled(running)
        self.progress.setVisible(running)
        if session.progress is not None and running:
            self.progress.setValue(round(1000 * session.progress.fraction))
            self.step.setText(f"{self.titles.get(session.progress.step, session.progress.step)}…")
        elif running:
            self.progress.setValue(0)
            self.step.setText("Starting…")
        else:
            self.step.setText(self._outcome_text())

    def _outcome_text(self) -> str:
        analysis = self.session.analysis
        if analysis is None or self.session.stale:
            return status_line(self.session)
        steps = ", ".join(
            f"{self.titles.get(name, name)} {seconds:.1f} s" for name, seconds in analysis.seconds.items()
        )
        return f"Done in {sum(analysis.seconds.values()):.1f} s: {steps}."

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802 - Qt's name
        """Look for devices when the panel is first seen, not while the window is being built."""
        super().showEvent(event)
        if self._devices is None:
            self._devices = Job(load_devices)
            self._devices.done.connect(self._on_devices)
            self._devices.start()

    def _on_cards(self, outcome: Outcome) -> None:
        if outcome.error is not None:
            self.session.tell("predict", "error", f"The networks cannot be listed: {describe(outcome.error)}")
            return
        for name in self.networks.keys() - outcome.value.keys():
            self._boxes.removeRow(self.networks.pop(name))
        for name, card in outcome.value.items():
            if name not in self.networks:
                self._add_network(name, card)
            self.networks[name].setToolTip(card_text(card))
        if not outcome.value:
            self.session.tell("predict", "error", "No networks are installed: see `hrtem-app info`.")
        self.refresh()

    def _on_devices(self, outcome: Outcome) -> None:
        if outcome.error is not None:
            self.session.tell("predict", "error", f"Devices cannot be listed: {describe(outcome.error)}")
            return
        blocker = QSignalBlocker(self.device)
        self.device.addItems(outcome.value)
        self.device.setCurrentText(self.session.recipe.device)
        del blocker

    def _add_network(self, name: str, card: NetworkCard) -> None:
        box = QCheckBox(f"{card.title} ({card.parameters:,} parameters)")
        box.toggled.connect(self._on_networks)
        self.networks[name], self.titles[name] = box, card.title
        self._boxes.insertRow(self._boxes.rowCount() - 2, box)

    def _on_timer(self) -> None:
        if self.isVisible():
            self._background.look()

    def _on_networks(self) -> None:
        chosen = tuple(name for name, box in self.networks.items() if box.isChecked())
        if chosen:
            self.session.forget("predict")
            self.session.change(networks=chosen)
        else:
            self.session.tell("predict", "error", "A run needs at least one network: check another one first.")
            self.refresh()

    def _on_device(self, name: str) -> None:
        self.session.change(device=name)

    def _on_views(self, index: int) -> None:
        self.session.change(views=list(_VIEWS)[index])

    def _on_run(self) -> None:
        self.workbench.run()

    def _on_cancel(self) -> None:
        self.workbench.cancel()


def card_text(card: NetworkCard) -> str:
    """A network's card as a tooltip."""
    low, high = card.sampling_range
    frames = "1 frame" if card.frames == 1 else f"{card.frames} frames"
    lines = [
        f"{card.title}: {card.parameters:,} parameters, {frames}",
        f"trained for {card.material}, {low:g}-{high:g} Å/px",
        f"dose {card.dose_range[0]:.3g}-{card.dose_range[1]:.3g} e/Å²",
        f"defocus {card.defocus_range[0]:g}…{card.defocus_range[1]:g} Å",
        *(f"{name}: {value:.4g}" for name, value in card.metrics.items() if isinstance(value, int | float)),
    ]
    return "\n".join(lines)
