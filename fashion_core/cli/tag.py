"""The command tag: every photo of a folder, zip or list answered, in one file."""

import argparse
import sys

from fashion_core import UserError
from fashion_core.cli.progress import Bars


def tag(options: argparse.Namespace) -> int:
    """Exit status 1 where some of the photos could not be read: each is a row that says why."""
    from fashion_core.models.predictor import Predictor
    from fashion_core.models.registry import resolve
    from fashion_core.models.tagging import one_by_one
    from fashion_core.models.tagging import tag as answer_all
    from fashion_core.models.tagging_on_ray import on_ray
    from fashion_core.photos import listing

    if options.workers is not None and not (options.ray and options.workers > 0):
        raise UserError("--workers is a number of processes of a cluster, 1 or more: give --ray too.")
    answer = on_ray(options.ray, options.workers) if options.ray else one_by_one
    bars = Bars()
    with listing.opened(options.photos) as photos:
        try:
            predictor = Predictor(resolve(options.model))
            bad = answer_all(predictor, photos, options.out, bars, answer)
        finally:
            bars.close()
        counted = f"{len(photos.names):,} photo{'' if len(photos.names) == 1 else 's'}"
        print(f"busana: {counted}, {bad:,} that cannot be read; answered in {predictor.precision}.", file=sys.stderr)
    print(options.out)
    return int(bad > 0)
