"""A table as an Excel file: the header stays in sight, columns are as wide as what they hold, text stays text."""

import io

import pandas as pd

WIDEST = 48  # signs


def workbook(table: pd.DataFrame, name: str) -> bytes:
    """One sheet called `name`. A text that begins with "=" stays a text, and is no formula."""
    import xlsxwriter

    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(out, options) as book:
        sheet = book.add_worksheet(name[:31])
        bold = book.add_format({"bold": True})
        sheet.freeze_panes(1, 0)
        for place, column in enumerate(table):
            values = [None if pd.isna(value) else value for value in table[column].tolist()]
            sheet.write_row(0, place, [column], bold)
            sheet.write_column(1, place, values)
            longest = max((len(str(value)) for value in [column, *values[:500]] if value is not None), default=8)
            sheet.set_column(place, place, min(longest + 2, WIDEST))
        if len(table):
            sheet.autofilter(0, 0, len(table), len(table.columns) - 1)
    return out.getvalue()
