"""The rendered sample set: ten classes of drawn apparel photos, so that everything works with no download.

    python -m fashion_core sample OUT --per-class 60 --seed 0

A garment is a list of pieces, back to front: an outline in garment units, the cloth it is cut from, folds and marks
(seams, stitches, buttons). One painter shades them all: a piece swells like a cushion, its folds and wrinkles are a
height field, and one light falls on it. Photo i of a class depends on (seed, class, i) alone, down to the byte.

About 9% of the photos are hard on purpose, so that a confusion matrix has something to show. A dress has a chance of
13% to be two-coloured (black and blue; the label is the larger share) and of 13% to be hard; any other piece
2% and 3%. Hard is one of: a twilight colour between navy and black, a cut near another garment's (shirt dress, long
tunic, cropped trousers, long shorts), or a dim photo with a colour cast.
"""

from fashion_core.photos.sample.sets import draw, drawn_digests, ensure, made, render

__all__ = ["draw", "drawn_digests", "ensure", "made", "render"]
