"""A run on one page to take along: one HTML file that needs nothing else, neither a server nor a network.

python -m fashion_core report RUN [--out FILE.html]
"""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment

from fashion_core import paper
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.models.card import read_card
from fashion_core.photos import imaging
from fashion_core.photos.imaging import printable
from fashion_core.reports import figures
from fashion_core.runs.events import LogSnapshot, Tail
from fashion_core.stats import between

WORST = 24  # photos
SIDE = 200  # pixels of a photo

PAGE = Environment(autoescape=True).from_string("""<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{{ name }} · Busana</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; color: #23252e; background: #fcfbf9; max-width: 62rem; margin: 2rem auto;
         padding: 0 1rem; }
  h1, h2 { line-height: 1.2; } img { max-width: 100%; } figure { margin: 0; }
  table { border-collapse: collapse; } th, td { padding: .2rem .8rem .2rem 0; text-align: left; vertical-align: top; }
  tr + tr { border-top: 1px solid #dedad3; } .number { text-align: right; } small, figcaption { color: #5a5d68; }
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
<h2>Class by class</h2>
<table><tr><th>class</th><th>precision</th><th>recall</th><th>95% interval</th><th>F1</th><th>photos</th></tr>
{% for row in classes %}<tr>{% for cell in row %}<td{% if not loop.first %} class="number"{% endif %}>{{ cell }}</td>
{% endfor %}</tr>{% endfor %}</table>
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


def html(evaluation: Evaluation, card: Mapping[str, Any], root: Path, tail: LogSnapshot | None = None) -> str:
    """The whole page. `root` holds the photos, as far as they are here; `tail` is the run's log, where there is one."""
    rows = evaluation.cell(which="wrong").head(WORST).to_dict("records")
    worst = [_tile(row, root) for row in rows]
    curves = tail and tail.epochs and _inline(figures.curves_png(tail), "png")
    return PAGE.render(
        name=printable(card.get("name", "model")), origin=_origin(evaluation, card), headline=_headline(evaluation),
        verdict=_verdict(evaluation), curves=curves,
        matrix=_inline(figures.confusion_png(evaluation), "png"), classes=_classes(evaluation), worst=worst,
        absent=sum(not tile["picture"] for tile in worst), facts=_facts(card),
        notes=[printable(note) for note in card.get("notes") or ()],
    )  # fmt: skip


def of_model(folder: Path, root: Path | None = None) -> str:
    """The page of a model folder, with the curves of its run where that lies around it.

    Photos are looked for in `root`, or where they were tested.
    """
    evaluation, card = Evaluation.load(folder / "evaluation.parquet"), read_card(folder)
    log = folder.parent / "events.jsonl"
    tail = Tail(log).read() if log.is_file() else None
    return html(evaluation, card, root or evaluation.located() or Path(evaluation.root), tail)


def _verdict(evaluation: Evaluation) -> str:
    if not paper.matches(evaluation.classes) or evaluation.meta.get("sample"):
        return ""
    interval = between(paper.TEST_RIGHT, paper.TEST_PHOTOS)
    theirs = f"The paper has {paper.TEST_ACCURACY:.2%} of {paper.TEST_PHOTOS} other photos, {interval}."
    return f"{theirs} {paper.compared(int(evaluation.right.sum()), len(evaluation))}"


def _headline(evaluation: Evaluation) -> list[tuple[str, str, str]]:
    right, n = int(evaluation.right.sum()), len(evaluation)
    clean, of = evaluation.without_leaks()
    lines = [
        ("accuracy", f"{right / n:.2%}", f"{right:,} of {n:,} test photos, 95% interval {between(right, n)}"),
        ("leakage-free accuracy", f"{clean / of:.2%}" if of else "–",
         f"{clean:,} of {of:,}, without near-duplicates of training photos, {between(clean, of)}"),
        ("macro F1", f"{evaluation.summary()['macro_f1']:.3f}", "the mean over the classes"),
        ("expected calibration error", f"{evaluation.calibration_error:.3f}", "15 bins; 0 is best"),
    ]  # fmt: skip
    if counts := evaluation.error_type_counts:
        colour, garment, both = counts.values()
        lines.append(
            ("mistakes", f"{n - right:,}", f"{colour} of colour alone, {garment} of garment alone, {both} both")
        )
    return lines


def _classes(evaluation: Evaluation) -> list[tuple[str, ...]]:
    report, intervals = evaluation.report().iloc[: len(evaluation.classes)], evaluation.recall_intervals()
    return [
        (name, f"{line['precision']:.3f}", f"{line['recall']:.3f}", interval,
         f"{line['f1-score']:.3f}", f"{int(line['support'])}")
        for (name, line), interval in zip(report.iterrows(), intervals, strict=False)
    ]  # fmt: skip


def _origin(evaluation: Evaluation, card: Mapping[str, Any]) -> str:
    made = f"{card.get('architecture', 'A network')} at {card.get('image_size', '?')} px"
    return printable(f"{made}, tested on {len(evaluation):,} photos of {Path(evaluation.root).name or 'a folder'}.")


def _facts(card: Mapping[str, Any]) -> list[tuple[str, str]]:
    named = {"weights": "weights at the start", "hardware": "hardware", "training_seconds": "training seconds",
             "epoch": "chosen epoch", "created": "created"}  # fmt: skip
    facts = [(label, printable(str(card[key]))) for key, label in named.items() if key in card]
    return facts + [(key, printable(str(value))) for key, value in (card.get("config") or {}).items()]


def _tile(row: Mapping[str, Any], root: Path) -> dict[str, str]:
    try:
        picture = _inline(imaging.thumbnail_bytes(imaging.read(root / row["path"]), SIDE), "jpeg")
    except imaging.BadPhoto:
        picture = ""
    return {"name": printable(Path(row["path"]).name), "picture": picture, "label": row["label"],
            "predicted": row["predicted"], "p_true": f"{row['p_true']:.1%}",
            "p_predicted": f"{row['p_predicted']:.1%}"}  # fmt: skip


def _inline(data: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
