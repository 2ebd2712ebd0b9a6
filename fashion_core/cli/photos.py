"""Commands on folders of photos: sample, fetch, check."""

import argparse
import json
import sys

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

    found = report(options.dir, Bars())
    if options.json:
        print(json.dumps(found))
        return
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
