"""Reading and writing of focal series: every format that microscopes and their programs leave behind.

The readers' libraries (rosettasciio, tifffile, h5py) are imported when a file needs them, so that importing this
package costs next to nothing.
"""

from hrtem_app.io.formats import FileFormat, looks_like_series, suffixes
from hrtem_app.io.read import load_series
from hrtem_app.io.sniff import SUFFIXES
from hrtem_app.io.write import save_series

__all__ = ["SUFFIXES", "FileFormat", "load_series", "looks_like_series", "save_series", "suffixes"]
