"""Commands on folders of photos: sample, fetch, check."""

import argparse
import json
import sys
from typing import Any

from fashion_core import UserError
from fashion_core.cli.progress import Bars
from fashion_core.photos.imaging import printable


def sample(options: argparse.Namespace) -> None:
    from fashion_core.photos.sample import render

    render(options.out, options.per_class, options.seed, Bars())
    print(options.out)


def fetch(options: argparse.Namespace) -> None:
    from fashion_core import paper
    from fashion_core.photos.paper_set import counts
    from fashion_core.photos.sources import fetch as get

    bars, said = Bars(), list[str]()
    out = get(options.name, options.out, options.local, bars, options.without, options.all_colours, said.append)
    bars.close()
    table = paper.count_lines(counts(out)) if options.name == "paper" else []
    for line in (*table, *said):
        print(line, file=sys.stderr)
    print(out)  # alone on stdout, for scripts


def check(options: argparse.Namespace) -> None:
    from fashion_core.photos.dataset import report

    if options.write and not options.model:
        raise UserError("--write keeps what a model finds: name one with --model.")
    bars = Bars()
    further = _further_near_duplicates(options, bars) if options.model else None
    found = report(options.dir, bars)
    bars.close()
    if options.json:
        print(json.dumps(found | ({} if further is None else {"further_near_duplicates": further})))
        return
    _print_audit(found)
    for pair in further or ():
        print(printable(f"one photo, by {options.model}: {pair['paths'][0]}, {pair['paths'][1]} ({pair['likeness']})"))
    if further is not None:
        print(f"{len(further)} further pairs of near-duplicates{' were written' if options.write and further else ''}")


def _print_audit(found: dict[str, Any]) -> None:
    for name, count in found["classes"].items():
        print(printable(f"{count:6}  {name}"))
    for bad in found["unreadable"]:
        print(printable(f"unreadable: {bad['path']}: {bad['reason']}"))
    for photos in found["conflicting_labels"]:
        both = ", ".join(f"{photo['path']} ({photo['label']})" for photo in photos)
        print(printable(f"one photo, more than one label: {both}"))
    print(
        f"{len(found['duplicates'])} groups of near-duplicates, "
        f"{found['cross_split_duplicates']} of them in more than one split, "
        f"{len(found['conflicting_labels'])} with more than one label"
    )
    for note in found["notes"]:
        print(f"note: {note}")


def _further_near_duplicates(options: argparse.Namespace, bars: Bars) -> list[dict[str, Any]]:
    """Pairs that are in no group yet, likest first; kept beside the photos where that is asked for."""
    from fashion_core.models.near_duplicates import find
    from fashion_core.models.predictor import Predictor
    from fashion_core.models.registry import resolve
    from fashion_core.photos import recorded_duplicates, scan

    predictor = Predictor(resolve(options.model))
    photos = scan.audit(options.dir, bars).photos
    pairs, likeness = find(options.dir, photos, predictor, bars)
    paths = photos["path"].tolist()
    if options.write and len(pairs):
        file = recorded_duplicates.default_file(options.dir)
        recorded_duplicates.add(file, paths, pairs)
        print(printable(f"Kept in {file}"), file=sys.stderr)
    return [
        {"paths": [printable(paths[row]) for row in pair], "likeness": round(float(like), 3)}
        for pair, like in zip(pairs, likeness, strict=True)
    ]
