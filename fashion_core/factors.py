"""Class names of the form `<colour>_<garment>`, taken apart: so a colour mistake is told from a garment mistake."""

from collections.abc import Sequence


def factors(classes: Sequence[str]) -> list[tuple[str, str]] | None:
    """(colour, garment) of every class, split at the first underscore; None where the names are not built so.

    They are when every name has both parts and at least one part is shared: otherwise there is nothing to factor.
    """
    pairs = [tuple(name.split("_", 1)) for name in classes]
    if not all(len(pair) == 2 and all(pair) for pair in pairs):
        return None
    shared = any(len(set(part)) < len(pairs) for part in zip(*pairs, strict=True))
    return pairs if shared else None
