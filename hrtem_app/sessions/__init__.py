"""Sessions: one file with all that a person did, and an automatic saving of it; no window.

What is slow to import is imported by the functions that need it, so that a start can ask for autosaves at once.
"""

from hrtem_app.sessions.autosave import Autosave
from hrtem_app.sessions.autosave_folder import default_root
from hrtem_app.sessions.content import MissingSource, MissingSourceError, SessionContent, SessionError
from hrtem_app.sessions.file import SUFFIX, load_session, looks_like_session, save_session
from hrtem_app.sessions.pending import Pending, discard, pending
from hrtem_app.sessions.stack import StackContent, StackPoint

__all__ = [
    "SUFFIX",
    "Autosave",
    "MissingSource",
    "MissingSourceError",
    "Pending",
    "SessionContent",
    "SessionError",
    "StackContent",
    "StackPoint",
    "default_root",
    "discard",
    "load_session",
    "looks_like_session",
    "pending",
    "save_session",
]
