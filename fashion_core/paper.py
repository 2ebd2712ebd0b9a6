"""The paper's facts as data: its classes, counts, recipe and results.

Puspitasari, Salsabila, Roliawati: "Penerapan ResNet-50 CNN untuk Optimalisasi Klasifikasi pada Data Fashion",
Indonesian Journal on Data Science 3(1), pp. 1-12. Numbers are printed here as the paper prints them, slips included.
"""

from collections.abc import Iterable, Mapping

from fashion_core.class_names import in_words
from fashion_core.stats import accuracy_with_interval, difference

# Photos per class, section on the data set.
COUNTS: dict[str, int] = {
    "black_dress": 450,
    "black_pants": 871,
    "black_shirt": 715,
    "black_shoes": 766,
    "black_shorts": 328,
    "blue_dress": 502,
    "blue_pants": 798,
    "blue_shirt": 741,
    "blue_shoes": 523,
    "blue_shorts": 299,
}
CLASSES: tuple[str, ...] = tuple(COUNTS)

# The text says 5,413; the ten counts sum to 5,993, and only a tenth of the latter can give 97.83%.
STATED_TOTAL = 5413
COUNTED_TOTAL = sum(COUNTS.values())

# Headline results. 587 of 600 is the whole number of photos behind 97.83%.
TEST_ACCURACY = 0.9783
TEST_PHOTOS = 600
TEST_RIGHT = 587

# Table 1, as printed: the F1 of black_shorts would be 0.98 by its own precision and recall. It gives no support.
TABLE_1: dict[str, dict[str, float]] = {
    name: {"precision": precision, "recall": recall, "f1-score": f1}
    for name, precision, recall, f1 in (
        ("blue_pants", 0.98, 0.94, 0.96),
        ("black_dress", 0.96, 0.99, 0.98),
        ("black_shirt", 0.97, 0.99, 0.98),
        ("blue_shirt", 0.97, 1.00, 0.99),
        ("black_shorts", 1.00, 0.97, 0.97),
        ("blue_shorts", 0.96, 1.00, 0.98),
        ("blue_shoes", 0.99, 0.98, 0.98),
        ("black_shoes", 1.00, 0.97, 0.99),
        ("black_pants", 1.00, 0.98, 0.99),
        ("blue_dress", 0.93, 0.96, 0.95),
        ("macro avg", 0.98, 0.97, 0.98),
        ("weighted avg", 0.98, 0.98, 0.98),
    )
}


def matches(classes: Iterable[str]) -> bool:
    """Whether these are the paper's ten classes, in any order, so that its numbers may stand beside them."""
    return set(classes) == set(CLASSES)


def count_lines(counts: Mapping[str, int]) -> list[str]:
    """A table of class, the paper's count and the count here; classes that the paper lacks come after its ten."""
    names = [*CLASSES, *sorted(set(counts) - set(CLASSES))]
    rows = [(name, COUNTS.get(name), counts.get(name, 0)) for name in names]
    rows.append(("all", COUNTED_TOTAL, sum(counts.values())))
    texts = [("class", "paper", "here")] + [(name, "-" if of is None else f"{of:,}", f"{n:,}") for name, of, n in rows]
    width = max(len(name) for name, _, _ in texts)
    return [f"{name:{width}}  {of:>6}  {here:>6}" for name, of, here in texts]


def count_difference(counts: Mapping[str, int]) -> str:
    """One sentence: whether the ten classes have as many photos as the paper's, and by how many each differs."""
    differ = {name: counts.get(name, 0) - of for name, of in COUNTS.items() if counts.get(name, 0) != of}
    if not differ:
        return f"Each of the ten classes has as many photos as in the paper, {COUNTED_TOTAL:,} in all."
    here = sum(counts.get(name, 0) for name in CLASSES)
    each = ", ".join(f"{in_words(name)} {_more_or_fewer(by)}" for name, by in differ.items())
    whole = _more_or_fewer(here - COUNTED_TOTAL) if here != COUNTED_TOTAL else "as many as there"
    return f"The counts differ from the paper's: {here:,} photos of its {COUNTED_TOTAL:,}, {whole} ({each})."


def _more_or_fewer(by: int) -> str:
    return f"{by:,} more" if by > 0 else f"{-by:,} fewer"


def stated() -> str:
    """The paper's own figure, a sentence."""
    return f"The paper has {accuracy_with_interval(TEST_RIGHT, TEST_PHOTOS, 'test photos')}."


def verdict(classes: Iterable[str], right: int, n: int, drawn: bool) -> str:
    """How an accuracy compares with the paper's, in words; nothing where the classes are not the paper's.

    `drawn`: the photos were drawn by `photos.sample`. Whether the difference can be chance says its 95% interval
    (Newcombe 1998, from Wilson's).
    """
    if not matches(classes) or not n:
        return ""
    if drawn:
        return "These are drawn photos, not real ones: their accuracy does not compare with the paper's."
    least, most = difference(right, n, TEST_RIGHT, TEST_PHOTOS)
    if least <= 0 <= most:
        return "A difference this small can be chance. The classes are the same, the test photos are not."
    return "The classes are the same but the test photos are not, so the two do not compare directly."
