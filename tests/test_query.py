"""Plain words become filters, and what is not understood is said."""

import unicodedata
from dataclasses import replace

import numpy as np
import pytest
from evaluations import eight, five

from fashion_core.evaluation import query
from fashion_core.evaluation.meta import EvaluationMeta
from fashion_core.paper import CLASSES

BLACK = ("black_dress", "black_pants", "black_shirt", "black_shoes", "black_shorts")
BLUE = ("blue_dress", "blue_pants", "blue_shirt", "blue_shoes", "blue_shorts")


def asked(text: str, classes=CLASSES) -> list[tuple]:
    found = query.parse(text, classes)
    assert not found.unknown
    return [(each.kind, each.value) for each in found.filters]


@pytest.mark.parametrize(
    ("text", "filters"),
    [
        ("misclassified blue dresses", [("true", ("blue_dress",)), ("which", "wrong")]),
        ("Black shirts predicted blue", [("true", ("black_shirt",)), ("predicted", BLUE)]),
        ("confident mistakes", [("above", 0.9), ("which", "wrong")]),
        ("shoes below 60 %", [("true", ("black_shoes", "blue_shoes")), ("below", 0.6)]),
        ("Which blue_dress photos were called black_dress?", [("true", BLUE[:1]), ("predicted", ("black_dress",))]),
        ("colour mistakes in blue over 0.75", [("true", BLUE), ("above", 0.75), ("which", "colour")]),
        ("less sure than 50%", [("below", 0.5)]),
        ("predicted blue, actually black dresses", [("predicted", BLUE), ("true", ("black_dress",))]),
        ("dresses that are not blue", [("true", ("black_dress", "blue_dress")), ("true", BLACK)]),
        ("everything but shoes", [("true", tuple(name for name in CLASSES if "shoes" not in name))]),
        ("shoes predicted not blue", [("true", ("black_shoes", "blue_shoes")), ("predicted", BLACK)]),
        ("blue pants that are not right", [("true", ("blue_pants",)), ("which", "wrong")]),
        ("", []),
    ],
)
def test_words_become_filters(text, filters):
    assert sorted(asked(text)) == sorted(filters)


def test_a_word_that_is_not_understood_is_said_and_the_rest_counts():
    found = query.parse("velvet blue dresses", CLASSES)
    assert found.unknown == ("velvet",)
    assert [each.value for each in found.filters] == [("blue_dress",)]


def test_what_cannot_be_denied_is_not_understood():
    assert query.parse("not confident shoes", CLASSES).unknown == ("not confident",)
    assert query.parse("without velvet", CLASSES).unknown == ("without velvet",)
    assert query.parse("not confident", CLASSES).filters == ()


def test_classes_that_do_not_come_apart_are_asked_for_by_name():
    assert asked("socks called hat", ("coat", "hat", "sock")) == [("true", ("sock",)), ("predicted", ("hat",))]
    assert query.parse("blue socks", ("coat", "hat", "sock")).unknown == ("blue",)


def test_names_with_a_hyphen_or_a_space_are_names_too():
    names = ("T-shirt", "Ankle boots", "Boots")
    assert asked("wrong t-shirts", names) == [("true", ("T-shirt",)), ("which", "wrong")]
    found = query.parse("ankle boots called Boots", names)
    assert [each.value for each in found.filters] == [("Ankle boots",), ("Boots",)]
    assert set(query.parse(query.text(found.filters), names).filters) == set(found.filters)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("named", ["NFC", "NFD"])
def test_names_match_however_their_letters_are_composed_and_in_any_case(form, named):
    names = [
        unicodedata.normalize(named, name) for name in ("robe_Rosé", "jupe_Rosé", "robe_bleu", "Straße", "Été kleid")
    ]
    for words, known, meant in (
        ("ROBE_ROSÉ", names[:3], names[:1]),
        ("rosés", names[:3], names[:2]),
        ("STRASSE", names[3:], names[3:4]),
        ("été Kleid", names[3:], names[4:]),
    ):
        found = query.parse(unicodedata.normalize(form, f"wrong {words}"), known)
        assert not found.unknown and found.filters[0].value == tuple(meant)


@pytest.mark.parametrize(
    "text",
    [
        "black shirts predicted blue, wrong, below 80%",
        "garment mistakes",
        "unsure shoes",
        "not blue",
        "dresses called not blue",
    ],
)
def test_the_words_of_all_filters_ask_the_same_again(text):
    filters = query.parse(text, CLASSES).filters
    assert set(query.parse(query.text(filters), CLASSES).filters) == set(filters)


def test_a_bound_is_read_back_as_the_same_confidence():
    for share in (0.87654368, 0.5, 2 / 3, 0.99999994):
        least = np.float32(share)
        said = query.parse(f"below {query.percent(least)}", CLASSES).filters
        again = query.parse(query.text(said), CLASSES).filters
        assert np.float32(said[0].value) == np.float32(again[0].value) == least


def test_a_question_finds_its_photos():
    def found(evaluation, text):
        filters = query.parse(text, evaluation.classes).filters
        return evaluation.rows(query.mask(evaluation, filters))["path"].tolist()

    assert found(five(), "blue socks called blue") == ["2.jpg"]
    assert found(five(), "hats, colour wrong") == ["1.jpg"]
    assert found(eight(), "confident mistakes") == ["sock/7.jpg"]  # 0.9 and no less
    assert found(eight(), "hats below 50 %") == ["hat/5.jpg"]
    assert found(eight(), "right and wrong") == []
    leaking = replace(eight(), meta=EvaluationMeta(leaked=(2, 5)))
    assert found(leaking, "leaked") == ["coat/2.jpg", "hat/5.jpg"] and found(leaking, "coats that leak") == [
        "coat/2.jpg"
    ]
    assert found(eight(), "leaked") == []
