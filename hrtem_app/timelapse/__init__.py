"""Stacks over time: cut into time points, analysed one after the other, columns linked and counted through time."""

from hrtem_app.timelapse.analyse import PointDone, analyse_timelapse
from hrtem_app.timelapse.events import EVENT_KINDS, Event, find_events
from hrtem_app.timelapse.files import write_timelapse
from hrtem_app.timelapse.linking import link_columns
from hrtem_app.timelapse.observation import Observation
from hrtem_app.timelapse.points import TimePoint, points_of_files, split
from hrtem_app.timelapse.store import Store
from hrtem_app.timelapse.timelapse import Timelapse, history, put_together
from hrtem_app.timelapse.tracks import Tracks

__all__ = [
    "EVENT_KINDS",
    "Event",
    "Observation",
    "PointDone",
    "Store",
    "TimePoint",
    "Timelapse",
    "Tracks",
    "analyse_timelapse",
    "find_events",
    "history",
    "link_columns",
    "points_of_files",
    "put_together",
    "split",
    "write_timelapse",
]
