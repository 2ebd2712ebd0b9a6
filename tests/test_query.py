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
        ("shoes below 60 percent", [("true", ("black_shoes", "blue_shoes")), ("below", 0.6)]),
        ("predicted blue, actually black dresses", [("predicted", BLUE), ("true", ("black_dress",))]),
        ("dresses that are not blue", [("true", ("black_dress", "blue_dress")), ("true", BLACK)]),
        ("unsure but right", [("below", 0.6), ("which", "right")]),
        ("blue dresses but wrong", [("true", ("blue_dress",)), ("which", "wrong")]),
        ("right but unsure", [("which", "right"), ("below", 0.6)]),
        ("between 50% and 70%", [("above", 0.5), ("below", 0.7)]),
        ("50-70 % sure", [("above", 0.5), ("below", 0.7)]),
        ("everything but shoes", [("true", tuple(name for name in CLASSES if "shoes" not in name))]),
        ("shoes predicted not blue", [("true", ("black_shoes", "blue_shoes")), ("predicted", BLACK)]),
        ("blue pants that are not right", [("true", ("blue_pants",)), ("which", "wrong")]),
        ("false positives for black dresses", [("predicted", ("black_dress",)), ("which", "wrong")]),
        ("false negatives of black dresses", [("true", ("black_dress",)), ("which", "wrong")]),
        ("shoes with low confidence", [("true", ("black_shoes", "blue_shoes")), ("below", 0.6)]),
        ("not very sure", [("below", 0.6)]),
        ("what is it bad at?", [("which", "wrong")]),
        ("confusion between dresses and shirts", [("between", (
            ("black_dress", "blue_dress"), ("black_shirt", "blue_shirt")))]),
        ("confusions between blue pants and black shorts", [("between", (("blue_pants",), ("black_shorts",)))]),
        ("confusion between blue and black shoes", [("between", (("blue_shoes",), ("black_shoes",)))]),
        ("confusion between dresses", [("true", ("black_dress", "blue_dress")), ("which", "wrong")]),
        ("", []),
    ],
)  # fmt: skip
def test_words_become_filters(text, filters):
    assert sorted(asked(text)) == sorted(filters)


def test_a_word_that_is_not_understood_is_said_and_the_rest_counts():
    found = query.parse("velvet blue dresses", CLASSES)
    assert found.unknown == ("velvet",)
    assert [each.value for each in found.filters] == [("blue_dress",)]


def test_two_names_that_nothing_joins_are_not_either_of_them():
    found = query.parse("dress shirt confusion", CLASSES)
    assert found.unknown == ("shirt",)
    assert [each.value for each in found.filters] == [("black_dress", "blue_dress"), "wrong"]


def test_a_confusion_is_either_of_two_called_the_other():
    evaluation = eight()
    coat, hat, sock = (evaluation.classes.index(name) for name in ("coat", "hat", "sock"))
    found = query.parse("confusion between hats and socks", evaluation.classes)
    true, predicted = evaluation.truth, evaluation.predicted
    mixed = ((true == hat) & (predicted == sock)) | ((true == sock) & (predicted == hat))
    assert mixed.any() and query.mask(evaluation, found).tolist() == mixed.tolist()
    assert query.parse(query.text(found.filters), evaluation.classes) == found
    assert coat not in true[query.mask(evaluation, found)]


def test_what_cannot_be_denied_is_not_understood():
    assert query.parse("not duplicated shoes", CLASSES).unknown == ("not duplicated",)
    assert query.parse("without velvet", CLASSES).unknown == ("without velvet",)
    assert query.parse("not duplicates", CLASSES).filters == ()


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


SIX = tuple(f"{colour}_{garment}" for colour in ("black", "blue") for garment in
            ("dress", "hat", "pants", "shirt", "shoes"))  # fmt: skip


@pytest.mark.parametrize(
    ("text", "readings"),
    [
        ("jeans", ["jeans → blue pants"]),
        ("black jeans", ["black jeans → black pants"]),
        ("navy gowns", ["navy gowns → blue dress"]),
        ("t-shirts and tees", ["t shirts or tees → shirt"]),
        ("sneakers it calls trousers", ["sneakers → shoes", "predicted trousers → predicted pants"]),
        ("dresses it thinks are shirts", ["dress", "predicted shirt"]),
        ("dresses taken for shirts", ["dress", "predicted shirt"]),
        ("dresses the model mistakes for shirts", ["dress", "predicted shirt", "wrong"]),
        ("what does it confuse with shoes", ["predicted shoes", "wrong"]),
        ("black shoes that are really blue", ["blue", "predicted black shoes"]),
        ("black shoes that aren't really blue", ["predicted black shoes", "not blue"]),
        ("mis-classified blue dress", ["blue dress", "wrong"]),
        ("Could you please show me which blue dresses it did get wrong?", ["blue dress", "wrong"]),
        ("label errors", ["label issues"]),
        ("dresses whose labels look wrong", ["dress", "label issues"]),
        ("duplicates of shoes", ["shoes", "duplicates"]),
        ("2540.jpg", ["2540.jpg"]),
        ("the worst 5", ["worst 5"]),
        ("the five worst dresses", ["dress", "worst 5"]),
        ("top 10 mistakes", ["worst 10", "wrong"]),
        ("3 least sure", ["3 least sure"]),
        ("the worst dresses", ["dress", "wrong"]),
        ("blue dresses and black shirts", ["blue dress or black shirt"]),
        ("dresses and blue shirts", ["dress or blue shirt"]),
        ("blue dresses and shirts", ["blue dress or shirt"]),
        ("not blue dresses", ["not blue dress"]),
        ("everything except shoes and pants", ["not shoes", "not pants"]),
        ("dresses it didn't get right", ["dress", "wrong"]),
        ("dresses not called dresses", ["dress", "predicted not dress"]),
        ("right garment, wrong colour", ["colour wrong"]),
        ("less than 50 % sure", ["below 50%"]),
        ("Hello, could you show me all the photos, please?", []),
    ],
)
def test_a_question_is_read_as_a_person_means_it(text, readings):
    found = query.parse(text, SIX)
    assert not found.unknown and [each.reading for each in found.filters] == readings
    assert set(query.parse(query.text(found.filters), SIX).filters) == set(found.filters), "its words ask for it again"


def test_classes_joined_by_and_are_these_and_no_others():
    (found,) = query.parse("blue dresses and black shirts", SIX).filters
    assert found.value == ("black_shirt", "blue_dress")
    assert query.parse("not blue dresses", SIX).filters[0].value == tuple(n for n in SIX if n != "blue_dress")


@pytest.mark.parametrize(
    ("text", "readings", "unknown"),
    [
        ("asdf", [], ("asdf",)),
        ("dresses zorbled shirts", ["dress"], ("zorbled", "shirts")),
        ("dresses which are shirts", ["dress"], ("which are shirts",)),
        ("purple dresses", ["dress"], ("purple",)),
        ("skirts", [], ("skirts",)),
    ],
)
def test_what_is_not_understood_is_named_and_joins_no_classes(text, readings, unknown):
    found = query.parse(text, SIX)
    assert [each.reading for each in found.filters] == readings and found.unknown == unknown


def test_a_name_that_is_a_class_means_that_class():
    fashion_mnist = ("T-shirt", "Trouser", "Pullover", "Sneaker", "Ankle boot", "Shirt")
    for text, meant in (("tees", "T-shirt"), ("pants", "Trouser"), ("sweaters", "Pullover"), ("shirts", "Shirt"),
                        ("boots", "Ankle boot"), ("sneakers", "Sneaker"), ("jeans", "Trouser")):  # fmt: skip
        assert query.parse(text, fashion_mnist).filters[0].value == (meant,), text
    assert query.parse("ankle boots", ("ankle_boot", "hat")).filters[0].value == ("ankle_boot",)


def test_a_question_of_which_nothing_is_understood_has_no_photos():
    for text, n in (("asdf", 0), ("", 8), ("all, please", 8)):
        assert query.mask(eight(), query.parse(text, eight().classes)).sum() == n


def test_the_worst_are_counted_among_those_that_pass_the_rest():
    def paths(text, **given):
        keep = query.mask(eight(), query.parse(text, eight().classes), **given)
        return set(eight().photos["path"][keep])

    assert paths("the worst 2") == {"sock/7.jpg", "coat/2.jpg"}  # wrong at 0.9 and at 0.7
    assert paths("the worst hats", within=np.ones(8, bool)) == {"hat/5.jpg"}
    assert paths("the worst 2 coats") == {"coat/2.jpg", "coat/1.jpg"}  # wrong, then the least sure
    assert paths("worst 1", within=np.arange(8) < 5) == {"coat/2.jpg"}
    assert paths("2 least sure") == {"hat/5.jpg", "coat/1.jpg"}
    assert paths("worst 50") == set(eight().photos["path"])


def test_photos_are_found_by_name_and_by_what_is_known_of_them():
    def rows(text, **known):
        return np.flatnonzero(query.mask(eight(), query.parse(text, eight().classes), known=known)).tolist()

    assert rows("5.jpg") == [5] and rows("where is hat/5.JPG?") == [5] and rows("15.jpg") == []
    assert rows("5.jpg and 7.jpg") == [5, 7]
    assert rows("label errors", **{query.ISSUES: np.arange(8) == 2}) == [2]
    assert rows("duplicates", **{query.DUPLICATES: np.arange(8) > 5}) == [6, 7]
    assert rows("label errors") == [] and rows("duplicates", **{query.DUPLICATES: None}) == []


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
