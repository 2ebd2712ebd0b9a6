"""A run on one page to take along: one HTML file that needs nothing else, neither a server nor a network.

python -m fashion_core report RUN [--out FILE.html]
"""

import base64
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment

from fashion_core import paper
from fashion_core.class_names import confusion_in_words, in_words
from fashion_core.evaluation import people
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.models.card import ModelCard
from fashion_core.models.registry import photo_folder
from fashion_core.photos import imaging
from fashion_core.photos.imaging import printable
from fashion_core.reports import figures
from fashion_core.runs.events import LogSnapshot, Tail
from fashion_core.stats import between

MISTAKES = 6  # pairs of classes whose photos are shown
EACH = 4  # photos of a pair
SIDE = 200  # pixels of a photo

PAGE = Environment(autoescape=True).from_string("""<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ name }} · Busana</title>
<style>
  * { box-sizing: border-box; }
  body { font: 16px/1.55 system-ui, sans-serif; color: #1c1e26; background: #fcfbf9; max-width: 62rem;
         margin: 0 auto; padding: 2rem 1.25rem 4rem; overflow-wrap: anywhere; }
  h1 { font-size: 2.25rem; line-height: 1.15; margin: 0; } h2 { margin: 2.75rem 0 .75rem; line-height: 1.2; }
  h3 { font-size: 1rem; margin: 1.25rem 0 .4rem; } img { max-width: 100%; } figure { margin: 0; }
  .lead { font-size: 1.1rem; color: #50535e; margin: .4rem 0 1.5rem; } small, figcaption { color: #50535e; }
  .cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 14rem), 1fr)); gap: 1rem; }
  .card { background: #fff; border: 1px solid #dedad3; border-radius: .6rem; padding: 1rem 1.2rem; }
  .card b { display: block; font-size: 2rem; line-height: 1.2; color: #3b4a9f; }
  table { border-collapse: collapse; width: 100%; } th, td { padding: .3rem .7rem .3rem 0; text-align: left;
         vertical-align: top; } tr + tr { border-top: 1px solid #dedad3; }
  th.number, td.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
  .scroll { max-height: 40rem; overflow: auto; } .head th { position: sticky; top: 0; background: #fcfbf9; }
  .photos { display: grid; grid-template-columns: repeat(auto-fill, minmax(8rem, 1fr)); gap: .9rem; }
  .photos img { width: 100%; aspect-ratio: 1; object-fit: contain; background: #efedea; border-radius: .5rem; }
  figcaption { font-size: .8rem; line-height: 1.35; } .matrix { background: #fff; border-radius: .6rem; }
  @media (max-width: 30rem) { h1 { font-size: 1.7rem; } .photos { grid-template-columns: 1fr 1fr; }
         .wide { display: none; } }
  @media print { body { background: #fff; padding: 0; max-width: none; font-size: 11pt; }
         .scroll { max-height: none; overflow: visible; } figure, .card, tr { break-inside: avoid; }
         h2, h3 { break-after: avoid; } .photos { grid-template-columns: repeat(5, 1fr); } }
</style>
<h1>{{ name }}</h1>
<p class="lead">{{ origin }}</p>
<h2>Results</h2>
<div class="cards">{% for label, value, note in headline %}<div class="card">{{ label }}<b>{{ value }}</b>
<small>{{ note }}</small></div>{% endfor %}</div>
{% if verdict %}<p>{{ verdict }}</p>{% endif %}
{% for title, mistakes, absent in sets %}<h2>{{ title }}</h2>
{% if absent %}<p>{{ absent }} of these photos are not on the machine that wrote this page.</p>{% endif %}
{% for pair in mistakes %}<h3>{{ pair.words }} <small>of {{ pair.of }}</small></h3>
<div class="photos">{% for photo in pair.photos %}<figure>
{% if photo.picture %}<img alt="{{ photo.name }}" src="{{ photo.picture }}">{% endif %}
<figcaption>{{ photo.predicted }} {{ photo.p_predicted }}<br>{{ photo.label }} {{ photo.p_true }}<br>
{{ photo.name }}</figcaption></figure>{% endfor %}</div>{% else %}<p>It made none.</p>{% endfor %}{% endfor %}
<h2>Confusion matrix</h2><img class="matrix" alt="Confusion matrix of the test photos" src="{{ matrix }}">
<h2>Class by class</h2>
<div class="scroll" tabindex="0"><table>
<tr class="head"><th>class</th><th class="number">precision</th><th class="number">recall</th>
<th class="number wide">95% interval of recall</th><th class="number">F1</th><th class="number">photos</th></tr>
{% for row in classes %}<tr>{% for cell in row %}<td{% if not loop.first %} class="number
{%- if loop.index == 4 %} wide{% endif %}"{% endif %}>{{ cell }}</td>
{% endfor %}</tr>{% endfor %}</table></div>
{% if curves %}<h2>How it learned</h2><img class="matrix" alt="Loss and accuracy" src="{{ curves }}">{% endif %}
<h2>How it was made</h2>
<table>{% for key, value in facts %}<tr><th>{{ key }}</th><td>{{ value }}</td></tr>{% endfor %}</table>
{% if notes %}<ul>{% for note in notes %}<li>{{ note }}</li>{% endfor %}</ul>{% endif %}
</html>
""")


class Confusion(NamedTuple):
    """A pair of classes in words ("14 blue shoes called black"), out of so many photos of the true one, and the most
    confident of these mistakes as tiles."""

    words: str
    of: int
    photos: list[dict[str, str]]


def html(
    evaluation: Evaluation,
    card: ModelCard,
    root: Path,
    tail: LogSnapshot | None = None,
    taken: Evaluation | None = None,
) -> str:
    """The whole page. `root` holds the photos, as far as they are here; `tail` is the run's log, where there is one;
    `taken` are the answers to the photos that people took."""
    curves = tail and tail.epochs and _inline(figures.curves_png(tail), "png")
    sets = [("Most common mistakes on its test photos", evaluation, root)]
    if taken:
        sets.insert(0, ("Most common mistakes on photos people took", taken, photo_folder(taken) or Path(taken.root)))
    shown = [(title, _confusions(of, folder)) for title, of, folder in sets]
    return PAGE.render(
        name=printable(card.name), origin=_origin(evaluation, card), headline=_headline(evaluation, taken),
        verdict=_verdict(evaluation), curves=curves,
        matrix=_inline(figures.confusion_png(evaluation), "png"), classes=_classes(evaluation), facts=_facts(card),
        sets=[(title, pairs, sum(not tile["picture"] for pair in pairs for tile in pair.photos))
              for title, pairs in shown],
        notes=[printable(note) for note in card.notes],
    )  # fmt: skip


def of_model(folder: Path, root: Path | None = None) -> str:
    """The page of a model folder, with the curves of its run where that lies around it.

    Photos are looked for in `root`, or where they were tested.
    """
    evaluation, card = Evaluation.load(folder / "evaluation.parquet"), ModelCard.read(folder)
    log = folder.parent / "events.jsonl"
    tail = Tail(log).read() if log.is_file() else None
    file = folder / people.FOLDER / people.KNOWN
    taken = Evaluation.load(file) if file.is_file() and not evaluation.meta.sample else None
    return html(evaluation, card, root or photo_folder(evaluation) or Path(evaluation.root), tail, taken)


def _verdict(evaluation: Evaluation) -> str:
    """How far the paper's figure compares, a sentence or two; nothing where the classes are not the paper's."""
    if not paper.matches(evaluation.classes):
        return ""
    if evaluation.meta.sample is not None:
        return "These are drawn photos, not real ones: their accuracy does not compare with that of real photos."
    return f"{paper.stated()} Its photos differ from these, so the two do not compare directly."


def _headline(evaluation: Evaluation, taken: Evaluation | None) -> list[tuple[str, str, str]]:
    right, n = int(evaluation.right.sum()), len(evaluation)
    clean, of = evaluation.without_leaks()
    lines = [
        ("Accuracy", f"{right / n:.2%}", f"{right:,} of {n:,} test photos, 95% interval {between(right, n)}"),
        ("Macro F1", f"{evaluation.macro_f1:.3f}", "the mean over the classes"),
        ("Calibration error", f"{evaluation.calibration_error:.3f}", "15 bins; 0 is best"),
    ]
    if evaluation.meta.leaked is not None:
        note = f"{clean:,} of {of:,}, without near-duplicates of training photos, 95% interval {between(clean, of)}"
        lines.insert(1, ("Accuracy without leaks", f"{clean / of:.2%}" if of else "–", note))
    if counts := evaluation.error_type_counts:
        colour, garment, both = counts.values()
        lines.append(
            ("Mistakes", f"{n - right:,}", f"{colour} of colour alone, {garment} of garment alone, {both} both")
        )
    if taken:
        hits, m = int(taken.right.sum()), len(taken)
        note = f"{hits:,} of {m:,} photos people took, 95% interval {between(hits, m)}"
        lines.insert(0, ("On photos people took", f"{hits / m:.2%}", note))
    return lines


def _classes(evaluation: Evaluation) -> list[tuple[str, ...]]:
    """A row for every class, however many: name, precision, recall, its interval, F1, test photos."""
    rows = zip(evaluation.class_report().iterrows(), evaluation.recall_intervals(), strict=False)  # the last: accuracy
    return [
        (printable(in_words(str(name))), f"{line['precision']:.3f}", f"{line['recall']:.3f}", interval,
         f"{line['f1-score']:.3f}", f"{int(line['support'])}")
        for (name, line), interval in rows
    ]  # fmt: skip


def _confusions(evaluation: Evaluation, root: Path) -> list[Confusion]:
    photos = dict(zip(evaluation.classes, evaluation.confusion().sum(axis=1).tolist(), strict=True))
    found = []
    for true, other, n in evaluation.confusions(MISTAKES):
        rows = evaluation.cell(true, other).head(EACH).to_dict("records")
        words = printable(confusion_in_words(n, true, other, evaluation.classes))
        found.append(Confusion(words, photos[true], [_tile(row, root) for row in rows]))
    return found


def _origin(evaluation: Evaluation, card: ModelCard) -> str:
    made = f"{card.architecture or 'A network'} at {card.image_size} px"
    return printable(f"{made}, tested on {len(evaluation):,} photos of {Path(evaluation.root).name or 'a folder'}.")


def _facts(card: ModelCard) -> list[tuple[str, str]]:
    facts = {
        "weights at the start": card.initial_weights, "hardware": card.hardware,
        "training seconds": card.training_seconds, "chosen epoch": card.epoch, "created": card.created,
        **card.settings,
    }  # fmt: skip
    return [(label, printable(str(value))) for label, value in facts.items() if value not in (None, "")]


def _tile(row: Mapping[Hashable, Any], root: Path) -> dict[str, str]:
    try:
        picture = _inline(imaging.thumbnail_bytes(imaging.read(root / row["path"]), SIDE), "webp")
    except imaging.BadPhoto:
        picture = ""
    return {"name": printable(Path(row["path"]).name), "picture": picture, "label": printable(in_words(row["label"])),
            "predicted": printable(in_words(row["predicted"])), "p_true": f"{row['p_true']:.1%}",
            "p_predicted": f"{row['p_predicted']:.1%}"}  # fmt: skip


def _inline(data: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
