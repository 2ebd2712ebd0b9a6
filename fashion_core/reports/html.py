"""A run on one page to take along: one HTML file that needs nothing else, neither a server nor a network.

python -m fashion_core report RUN [--out FILE.html]
"""

import base64
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment

from fashion_core import paper
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.models.card import ModelCard
from fashion_core.models.registry import photo_folder
from fashion_core.photos import imaging
from fashion_core.photos.imaging import printable
from fashion_core.reports import figures
from fashion_core.runs.events import LogSnapshot, Tail
from fashion_core.stats import between

WORST = 24  # photos
SIDE = 200  # pixels of a photo
CONFUSIONS = 12  # pairs of classes that are named

PAGE = Environment(autoescape=True).from_string("""<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{{ name }} · Busana</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; color: #23252e; background: #fcfbf9; max-width: 62rem; margin: 2rem auto;
         padding: 0 1rem; }
  h1, h2 { line-height: 1.2; } img { max-width: 100%; } figure { margin: 0; }
  table { border-collapse: collapse; } th, td { padding: .2rem .8rem .2rem 0; text-align: left; vertical-align: top; }
  tr + tr { border-top: 1px solid #dedad3; } .number { text-align: right; } small, figcaption { color: #5a5d68; }
  td { overflow-wrap: anywhere; } td.number { white-space: nowrap; }
  .scroll { max-height: 40rem; overflow: auto; } .head th { position: sticky; top: 0; background: #fcfbf9; }
  @media print { .scroll { max-height: none; overflow: visible; } }
  .photos { display: grid; grid-template-columns: repeat(auto-fill, minmax(8.5rem, 1fr)); gap: 1rem; }
  .photos img { width: 100%; aspect-ratio: 1; object-fit: contain; background: #efedea; border-radius: .4rem; }
  figcaption { font-size: .8rem; overflow-wrap: anywhere; }
</style>
<h1>{{ name }}</h1>
<p>{{ origin }}</p>
<h2>What it reaches</h2>
<table>{% for label, value, note in headline %}
  <tr><th>{{ label }}</th><td class="number">{{ value }}</td><td><small>{{ note }}</small></td></tr>{% endfor %}
</table>
{% if verdict %}<p>{{ verdict }}</p>{% endif %}
{% if curves %}<h2>How it learned</h2><img alt="Loss and accuracy" src="{{ curves }}">{% endif %}
<h2>What it takes for what</h2><img alt="Confusion matrix" src="{{ matrix }}">
{% if confusions %}<ul>{% for pair in confusions %}<li>{{ pair.n }} of {{ pair.of }} <b>{{ pair.true }}</b> are called
<b>{{ pair.predicted }}</b></li>{% endfor %}</ul>{% endif %}
<h2>Class by class</h2>
<div class="scroll"><table>
<tr class="head"><th>class</th><th>precision</th><th>recall</th><th>95% interval</th><th>F1</th><th>photos</th></tr>
{% for row in classes %}<tr>{% for cell in row %}<td{% if not loop.first %} class="number"{% endif %}>{{ cell }}</td>
{% endfor %}</tr>{% endfor %}</table></div>
<h2>Its most confident mistakes</h2>
{% if absent %}<p>{{ absent }} of these photos are not on the machine that wrote this page.</p>{% endif %}
<div class="photos">{% for photo in worst %}<figure>
  {% if photo.picture %}<img alt="{{ photo.name }}" src="{{ photo.picture }}">{% endif %}
  <figcaption>called <b>{{ photo.predicted }}</b> {{ photo.p_predicted }}<br>is <b>{{ photo.label }}</b>
  {{ photo.p_true }}<br>{{ photo.name }}</figcaption></figure>{% else %}<p>It made none.</p>{% endfor %}</div>
<h2>How it was made</h2>
<table>{% for key, value in facts %}<tr><th>{{ key }}</th><td>{{ value }}</td></tr>{% endfor %}</table>
{% if notes %}<ul>{% for note in notes %}<li>{{ note }}</li>{% endfor %}</ul>{% endif %}
</html>
""")


class Confusion(NamedTuple):
    """So many of the `of` photos of class `true` were called `predicted`."""

    true: str
    predicted: str
    n: int
    of: int


def html(evaluation: Evaluation, card: ModelCard, root: Path, tail: LogSnapshot | None = None) -> str:
    """The whole page. `root` holds the photos, as far as they are here; `tail` is the run's log, where there is one."""
    rows = evaluation.cell(which="wrong").head(WORST).to_dict("records")
    worst = [_tile(row, root) for row in rows]
    curves = tail and tail.epochs and _inline(figures.curves_png(tail), "png")
    return PAGE.render(
        name=printable(card.name), origin=_origin(evaluation, card), headline=_headline(evaluation),
        verdict=_verdict(evaluation), curves=curves,
        matrix=_inline(figures.confusion_png(evaluation), "png"), classes=_classes(evaluation), worst=worst,
        confusions=_confusions(evaluation),
        absent=sum(not tile["picture"] for tile in worst), facts=_facts(card),
        notes=[printable(note) for note in card.notes],
    )  # fmt: skip


def of_model(folder: Path, root: Path | None = None) -> str:
    """The page of a model folder, with the curves of its run where that lies around it.

    Photos are looked for in `root`, or where they were tested.
    """
    evaluation, card = Evaluation.load(folder / "evaluation.parquet"), ModelCard.read(folder)
    log = folder.parent / "events.jsonl"
    tail = Tail(log).read() if log.is_file() else None
    return html(evaluation, card, root or photo_folder(evaluation) or Path(evaluation.root), tail)


def _verdict(evaluation: Evaluation) -> str:
    drawn = evaluation.meta.sample is not None
    verdict = paper.verdict(evaluation.classes, int(evaluation.right.sum()), len(evaluation), drawn)
    return f"{paper.stated()} {verdict}" if verdict and not drawn else verdict


def _headline(evaluation: Evaluation) -> list[tuple[str, str, str]]:
    right, n = int(evaluation.right.sum()), len(evaluation)
    clean, of = evaluation.without_leaks()
    lines = [
        ("accuracy", f"{right / n:.2%}", f"{right:,} of {n:,} test photos, 95% interval {between(right, n)}"),
        ("macro F1", f"{evaluation.macro_f1:.3f}", "the mean over the classes"),
        ("expected calibration error", f"{evaluation.calibration_error:.3f}", "15 bins; 0 is best"),
    ]
    if evaluation.meta.leaked is not None:
        note = f"{clean:,} of {of:,}, without near-duplicates of training photos, 95% interval {between(clean, of)}"
        lines.insert(1, ("leakage-free accuracy", f"{clean / of:.2%}" if of else "–", note))
    if counts := evaluation.error_type_counts:
        colour, garment, both = counts.values()
        lines.append(
            ("mistakes", f"{n - right:,}", f"{colour} of colour alone, {garment} of garment alone, {both} both")
        )
    return lines


def _classes(evaluation: Evaluation) -> list[tuple[str, ...]]:
    """A row for every class, however many: name, precision, recall, its interval, F1, test photos."""
    rows = zip(evaluation.class_report().iterrows(), evaluation.recall_intervals(), strict=False)  # the last: accuracy
    return [
        (printable(str(name)), f"{line['precision']:.3f}", f"{line['recall']:.3f}", interval, f"{line['f1-score']:.3f}",
         f"{int(line['support'])}")
        for (name, line), interval in rows
    ]  # fmt: skip


def _confusions(evaluation: Evaluation) -> list[Confusion]:
    photos = dict(zip(evaluation.classes, evaluation.confusion().sum(axis=1).tolist(), strict=True))
    largest = evaluation.confusions(CONFUSIONS)
    return [Confusion(printable(true), printable(other), n, photos[true]) for true, other, n in largest]


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
        picture = _inline(imaging.thumbnail_bytes(imaging.read(root / row["path"]), SIDE), "jpeg")
    except imaging.BadPhoto:
        picture = ""
    return {"name": printable(Path(row["path"]).name), "picture": picture, "label": printable(row["label"]),
            "predicted": printable(row["predicted"]), "p_true": f"{row['p_true']:.1%}",
            "p_predicted": f"{row['p_predicted']:.1%}"}  # fmt: skip


def _inline(data: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
