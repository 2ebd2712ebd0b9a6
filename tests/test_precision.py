"""A model answers in bfloat16 only where its card has passed the gate and the CPU computes in it; else in float32."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet as pq
import pytest
from browser import ROOT
from model_folders import CLASSES, plain, write_model

from fashion_core import UserError
from fashion_core.cli import main
from fashion_core.evaluation.states import Counted, State, States
from fashion_core.models import answering, precision, predictor, tagging
from fashion_core.models.answering import KEPT
from fashion_core.models.card import ModelCard
from fashion_core.models.precision import BFLOAT16, FLOAT32, SETTING, Measured, choose
from fashion_core.models.predictor import Predictor, Seen, load_explanations, runtime
from fashion_core.photos import examples, imaging, listing
from fashion_core.photos.garment_colour import Colour
from fashion_core.reports import model_readme
from fashion_core.stats import wilson

PASSED = Measured(2.0, n=1000, same=995, right=898, float32_right=900, moved=0.05, moved_99=0.01, cpu="amx_bf16",
                  states=States(0.9, 1.5, sure_colour=0.6))  # fmt: skip
SHIPPED = [each for each in sorted((ROOT / "weights").glob("*/")) if ModelCard.read(each).precisions]


@pytest.fixture(autouse=True)
def unasked(monkeypatch):
    monkeypatch.delenv(SETTING, raising=False)


@pytest.fixture
def cpu(tmp_path, monkeypatch):
    """Says what the CPU has, and that OpenVINO computes in what it is asked for, which many a CPU cannot."""
    info = tmp_path / "cpuinfo"
    monkeypatch.setattr(precision, "CPU_INFO", info)
    asked: list[str] = []
    whole = predictor._compiled

    class Claims:
        def __init__(self, compiled, wanted):
            self.compiled, self.wanted = compiled, wanted

        def __getattr__(self, name):
            return getattr(self.compiled, name)

        def get_property(self, name):
            return runtime().Type.bf16 if self.wanted == BFLOAT16 else runtime().Type.f32

    def compiled(folder, classes, wanted):
        asked.append(wanted)
        return Claims(whole(folder, classes, FLOAT32), wanted)

    monkeypatch.setattr(predictor, "_compiled", compiled)

    def has(flags: str) -> list[str]:
        info.write_text(f"flags\t\t: fpu avx512f {flags} sse2\n")
        return asked

    return has


def measured(folder: Path, found: Measured = PASSED) -> Path:
    """A model of three logits, a photo's mean colour, whose card has the record `found` of bfloat16."""
    write_model(folder)
    replace(ModelCard.read(folder), precisions={BFLOAT16: found}).write(folder)
    return folder


@pytest.mark.parametrize(
    ("change", "passes"),
    [
        ({}, True),  # 99.5% the same, 0.2 points lower: both just so
        ({"same": 994}, False),
        ({"right": 897}, False),
        ({"right": 950}, True),
        ({"n": 0, "same": 0, "right": 0, "float32_right": 0}, False),
        ({"temperature": 0.0}, False),
    ],
)
def test_the_gate(change, passes, tmp_path):
    found = replace(PASSED, **change)
    assert found.passes is passes
    if passes:
        assert ModelCard.read(measured(tmp_path / "m", found)).precisions == {BFLOAT16: found}
    else:
        with pytest.raises(UserError, match="has a precision that did not pass the gate"):
            Predictor(measured(tmp_path / "m", found))


def test_where_it_passed_and_the_cpu_computes_in_it_it_answers_so_with_a_temperature_and_limits_of_its_own(
    tmp_path, cpu
):
    asked = cpu("avx512_bf16")
    folder = measured(tmp_path / "m")
    model, usual = Predictor(folder), Predictor(folder, FLOAT32)
    assert asked == [model.precision, usual.precision] == [BFLOAT16, FLOAT32] and model.why == usual.why == ""
    # logits 4, 0, 0 of red, at a temperature of 2 and of 1
    assert model([plain("red")])[0, 0] == pytest.approx(np.e**2 / (np.e**2 + 2), abs=0.005)
    assert usual([plain("red")])[0, 0] == pytest.approx(np.e**4 / (np.e**4 + 2), abs=0.005)
    seen = Seen(np.array([0.95, 0.03, 0.02]), np.zeros(3), Colour(50, 0, 0, 1, 0), distance=1.0)
    assert [each.judge(seen, None).state for each in (model, usual)] == [State.SURE, State.CHECK]
    assert model.look([plain("red")], None)[0].probabilities == pytest.approx(model([plain("red")])[0])


def test_a_model_without_limits_has_a_likeness_of_its_own_in_bfloat16(tmp_path, cpu):
    cpu("avx512_bf16")
    folder = measured(tmp_path / "m", replace(PASSED, states=None, ood_threshold=1.2))
    learned = SimpleNamespace(ood_threshold=0.8)
    model, usual = Predictor(folder), Predictor(folder, FLOAT32)
    for distance, states in ((0.7, ("check", "check")), (1.0, ("check", "outside")), (1.3, ("outside", "outside"))):
        seen = Seen(np.full(3, 1 / 3), np.zeros(3), Colour(50, 0, 0, 1, 0), distance)
        assert tuple(str(each.judge(seen, learned).state) for each in (model, usual)) == states


def test_a_cpu_without_bfloat16_answers_in_float32_and_says_so(tmp_path, cpu):
    asked = cpu("avx512_vnni")  # OpenVINO would emulate it here
    model = Predictor(measured(tmp_path / "m"))
    assert asked == [FLOAT32] and model.precision == FLOAT32
    assert model.why == "This CPU does not compute in bfloat16, as far as the system says: m answers in float32."
    assert model.limits is None and model([plain("red")])[0, 0] == pytest.approx(0.965, abs=0.005)


def test_where_openvino_computes_in_float32_all_the_same_float32_is_what_it_is_called(tmp_path, cpu, monkeypatch):
    cpu("amx_bf16")
    whole = predictor._compiled
    monkeypatch.setattr(predictor, "_compiled", lambda folder, classes, wanted: whole(folder, classes, FLOAT32))
    model = Predictor(measured(tmp_path / "m"))
    assert model.precision == FLOAT32 and "answers in float32" in model.why and model.limits is None


def test_a_system_that_does_not_say_counts_as_no(tmp_path, monkeypatch):
    monkeypatch.setattr(precision, "CPU_INFO", tmp_path / "nowhere")
    assert choose("m", {BFLOAT16: PASSED})[0] == FLOAT32


@pytest.mark.parametrize(
    ("setting", "record", "chosen"),
    [
        ("", True, (BFLOAT16, "")),
        ("auto", True, (BFLOAT16, "")),
        ("", False, (FLOAT32, "")),
        (" Float32 ", True, (FLOAT32, "")),
        ("bfloat16", True, (BFLOAT16, "")),
        ("bfloat16", False, (FLOAT32, "m was not measured in bfloat16: it answers in float32.")),
    ],
)
def test_one_setting_asks_for_a_precision(setting, record, chosen, cpu, monkeypatch):
    cpu("avx512_bf16")
    monkeypatch.setenv(SETTING, setting)
    assert choose("m", {BFLOAT16: PASSED} if record else {}) == chosen
    assert choose("m", {BFLOAT16: PASSED} if record else {}, FLOAT32) == (FLOAT32, "")


@pytest.mark.parametrize(("sure", "chosen"), [(90, BFLOAT16), (89, FLOAT32)])
def test_where_it_calls_far_less_sure_it_must_be_asked_for(sure, chosen, cpu, monkeypatch):
    cpu("avx512_bf16")
    own, usual = (States(0.9, held_back={"sure": Counted(n, n)}) for n in (sure, 100))
    measured = {BFLOAT16: replace(PASSED, states=own)}
    assert choose("m", measured, usual=usual)[0] == chosen
    assert choose("m", measured, usual=None)[0] == choose("m", measured, BFLOAT16, usual)[0] == BFLOAT16
    monkeypatch.setenv(SETTING, "bfloat16")
    assert choose("m", measured, usual=usual) == (BFLOAT16, "")


def test_a_word_that_is_no_precision_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv(SETTING, "fast")
    with pytest.raises(UserError, match="BUSANA_PRECISION is 'fast': set it to auto, float32 or bfloat16"):
        Predictor(measured(tmp_path / "m"))


def test_the_process_of_a_shared_server_hears_the_setting():
    assert SETTING in KEPT and answering.KEPT is KEPT


def test_a_table_of_tags_is_of_one_precision(tmp_path, cpu, monkeypatch, capsys):
    cpu("avx512_bf16")
    folder, shop = measured(tmp_path / "m"), tmp_path / "shop"
    shop.mkdir()
    for name in ("red", "lime", "blue", "white", "black"):
        plain(name).save(shop / f"{name}.png")
    out = tmp_path / "shop.parquet"
    monkeypatch.setattr(tagging, "PART", 2)
    with monkeypatch.context() as killed:
        killed.setattr(tagging, "_join", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        assert main(["tag", str(folder), str(shop), "--out", str(out)]) == 130  # three parts are made, in bfloat16
    monkeypatch.setenv(SETTING, FLOAT32)
    assert main(["tag", str(folder), str(shop), "--out", str(out)]) == 0
    assert "answered in float32" in capsys.readouterr().err
    with listing.opened(shop) as photos:
        alone = [Predictor(folder)([imaging.read(photos.read(place))])[0].max() for place in range(5)]
    table = pq.read_table(out)
    assert np.allclose(table["confidence"].to_numpy(), alone, atol=1e-6)
    assert b'"precision": "float32"' in table.schema.metadata[b"busana"]


def test_a_finished_table_of_the_other_precision_is_not_taken_for_this_one(tmp_path, cpu, capsys):
    cpu("avx512_bf16")
    folder, shop, out = measured(tmp_path / "m"), tmp_path / "shop", tmp_path / "shop.parquet"
    shop.mkdir()
    plain("red").save(shop / "red.png")
    with listing.opened(shop) as photos:
        tagging.tag(Predictor(folder), photos, out)
        tagging.tag(Predictor(folder), photos, out)  # the same again has nothing to do
        with pytest.raises(UserError, match="another precision: choose another name"):
            tagging.tag(Predictor(folder, FLOAT32), photos, out)


def test_what_was_asked_for_and_cannot_be_is_told(tmp_path, capsys, monkeypatch):
    plain("red").save(tmp_path / "red.png")
    model = write_model(tmp_path / "m")
    for setting, told in (("bfloat16", "busana: m was not measured in bfloat16: it answers in float32.\n"), ("", "")):
        monkeypatch.setenv(SETTING, setting)
        assert main(["predict", str(model), str(tmp_path / "red.png")]) == 0
        assert capsys.readouterr().err == told


def test_the_readme_of_a_model_says_what_bfloat16_changes():
    card = ModelCard("m", tuple(CLASSES), 8, 1.5, precisions={BFLOAT16: PASSED})
    text = model_readme.in_bfloat16(card)
    for words in ("995 of 1,000", "898 are right in place of 900", "0.050", "0.010", "2.000", "`BUSANA_PRECISION="):
        assert words in text
    assert model_readme.in_bfloat16(replace(card, precisions={})) == ""


@pytest.mark.skipif(not precision.native(), reason="this CPU does not compute in bfloat16")
@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.name)
def test_a_shipped_model_in_bfloat16_on_photos_people_took(folder):
    """What the card says of float32 and of bfloat16, beside each other, on every fourth photo in examples/."""
    model, usual = Predictor(folder, BFLOAT16), Predictor(folder, FLOAT32)
    assert model.precision == BFLOAT16
    record = model.card.precisions[BFLOAT16]
    photos = [imaging.read(examples.folder() / path) for path in examples.table()["path"][::4]]
    one, other = model(photos), usual(photos)
    same = int((one.argmax(1) == other.argmax(1)).sum())
    assert wilson(same, len(photos))[1] >= precision.SAME
    assert np.abs(one - other).max() <= max(0.2, 2 * record.moved)
    explanations = load_explanations(folder)
    seen = model.look(photos[:8], explanations)
    assert all(model.judge(each, explanations).state in State for each in seen)
