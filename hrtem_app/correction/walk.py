"""A walk through the columns that wait for a review, which edits on the way do not throw off its path."""

from __future__ import annotations

from hrtem_app.columns import ColumnTable
from hrtem_app.correction.review import next_to_review, review_order


class ReviewWalk:
    """Where a person is in the review of one table.

    `here` is the column under review, by its id; None before the first and after the last.
    """

    def __init__(self) -> None:
        self.here: int | None = None
        # What waited after it, in order, in case that it is deleted.
        self._ahead: list[int] = []

    def go_on(self, table: ColumnTable) -> int | None:
        """Go to the next column that waits, and return its id; None once none waits.

        Parameters
        ----------
        table
            The columns as corrected so far, with or without the one under review.
        """
        order = review_order(table).tolist()
        if self.here is None or self.here in table.ids:
            self.here = next_to_review(table, self.here)
        else:
            waits = set(order)
            self.here = next((number for number in [*self._ahead, *order] if number in waits), None)
        if self.here is not None:
            place = order.index(self.here)
            self._ahead = order[place + 1 :] + order[:place]
        return self.here
