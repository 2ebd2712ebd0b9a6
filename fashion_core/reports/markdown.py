"""Tables in Markdown."""

from collections.abc import Iterable, Sequence


def table(headings: Sequence[str], rows: Iterable[Sequence[object]], numbers: Sequence[str] = ()) -> str:
    """A Markdown table; the columns whose headings are in `numbers` are aligned to the right."""
    rules = ["---:" if heading in numbers else "---" for heading in headings]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in (headings, rules, *rows))


def _cell(value: object) -> str:
    """A sign that would end the cell, or the line, is written so that it does not."""
    return str(value).replace("|", "\\|").replace("\n", " ")
