"""What an analysis leaves behind: tables, atoms, picture, filtered series and a record of how it was made."""

from hrtem_app.export.figure import agreement_figure
from hrtem_app.export.results import check_folder, write_results

__all__ = ["agreement_figure", "check_folder", "write_results"]
