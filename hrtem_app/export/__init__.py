"""What an analysis leaves behind: tables, atoms, figures, filtered series, a report and a record of how it was made."""

from hrtem_app.export.drawing import save_figure
from hrtem_app.export.figure import agreement_figure
from hrtem_app.export.pictures import columns_figure
from hrtem_app.export.report import report_html
from hrtem_app.export.results import check_folder, write_results

__all__ = ["agreement_figure", "check_folder", "columns_figure", "report_html", "save_figure", "write_results"]
