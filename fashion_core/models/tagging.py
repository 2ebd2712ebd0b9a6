"""Every photo of a folder, zip or list answered once, in one Parquet file; killed anywhere, the same call goes on.

    tag(Predictor(resolve("apparel-lite")), photos, Path("shop.parquet"))   # photos: listing.opened("shop.zip")

Answers are written beside the file in parts, each whole or not at all, and joined at the end. A part holds a fixed
range of the photos and the digest of what it was made of: photos that have changed, another model or another precision
make it anew. So memory is that of one part, whatever the number of photos.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from fashion_core import UserError
from fashion_core.class_names import factors
from fashion_core.evaluation.explanations import Explanations
from fashion_core.files import Progress, atomic_write, map_in_threads
from fashion_core.models.precision import FLOAT32
from fashion_core.models.predictor import BATCH, Predictor, load_explanations, seen
from fashion_core.models.tagged import META, VERSION
from fashion_core.photos import garment_colour, imaging
from fashion_core.photos.garment_colour import Colour
from fashion_core.photos.imaging import BadPhoto, printable
from fashion_core.photos.listing import Listing

PART = 512  # photos a part: at most this much is done again after a kill


@dataclass(frozen=True)
class _Tagger:
    """What answers: the model, what it learned from, and a digest of both."""

    predictor: Predictor
    explanations: Explanations | None
    digest: str


@dataclass(frozen=True)
class Work:
    """All photos, in parts of `size`, which lie in the folder `parts` once they are answered."""

    tagger: _Tagger
    photos: Listing
    parts: Path
    size: int

    @classmethod
    def of(cls, predictor: Predictor, photos: Listing, parts: Path, size: int) -> "Work":
        tagger = _Tagger(predictor, load_explanations(predictor.folder), _model_digest(predictor))
        return cls(tagger, photos, parts, size)

    def __len__(self) -> int:
        return -(-len(self.photos.names) // self.size)

    def places(self, number: int) -> range:
        """The photos of a part."""
        return range(number * self.size, min((number + 1) * self.size, len(self.photos.names)))

    def digest(self, number: int) -> str:
        """Of what a part is made of: the model, its photos and when they were written."""
        photos = (f"{self.photos.names[place]}\0{self.photos.stamp(place)}" for place in self.places(number))
        told = [self.tagger.digest, self.photos.kind, *photos]
        return hashlib.sha256("\n".join(told).encode("utf-8", "surrogateescape")).hexdigest()

    def file(self, number: int) -> Path:
        return self.parts / f"{number:06}.parquet"

    def is_done(self, number: int, digest: str) -> bool:
        """Whether the part is there, whole and of this digest."""
        try:
            return (pq.read_schema(self.file(number)).metadata or {}).get(META) == digest.encode()
        except (FileNotFoundError, pa.ArrowInvalid):
            return False

    def answer(self, number: int, digest: str, progress: Progress = None) -> None:
        """Make a part, whole or not at all."""
        table = _answered(self.tagger, self.photos, self.places(number), progress)
        with atomic_write(self.file(number)) as partial:
            pq.write_table(table.replace_schema_metadata({META: digest}), partial, compression="zstd")


Answer = Callable[[Work, dict[int, str], Progress], None]  # makes the parts of those numbers and digests


def one_by_one(work: Work, missing: dict[int, str], progress: Progress) -> None:
    """Make the missing parts in this process."""
    for number, digest in missing.items():
        work.answer(number, digest, progress)
        if progress:
            progress(work.places(number).stop, len(work.photos.names), "Tagging")


def tag(
    predictor: Predictor, photos: Listing, out: Path, progress: Progress = None, answer: Answer = one_by_one
) -> int:
    """Answer every photo into `out`; returns how many could not be read, each of them a row with its reason.

    UserError where `out` is there already with other photos or another model, or where another process writes it.
    """
    if out.suffix != ".parquet":
        raise UserError(f"{printable(out)} must end in .parquet: choose such a name for --out.")
    work = Work.of(predictor, photos, out.absolute().with_name(f"{out.name}.parts"), PART)
    digests = {number: work.digest(number) for number in range(len(work))}
    job = hashlib.sha256("".join(digests.values()).encode()).hexdigest()
    if not _is_done(out, job):
        work.parts.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(work.parts / "lock", timeout=0):
                missing = {number: digest for number, digest in digests.items() if not work.is_done(number, digest)}
                answer(work, missing, progress)
                _join(out, [work.file(number) for number in digests], _about(work.tagger, photos, job))
        except Timeout:
            raise UserError(f"Another process is writing {printable(out)}: wait for it, or end it.") from None
    shutil.rmtree(work.parts, ignore_errors=True)
    return pq.read_table(out, columns=["reason"])["reason"].drop_null().length()


def _model_digest(predictor: Predictor) -> str:
    """Of all that decides an answer: the card, the graph, the weights, and a precision other than float32."""
    folder, other = predictor.folder, "" if predictor.precision == FLOAT32 else predictor.precision
    whole = hashlib.sha256(f"{VERSION}{other}".encode())
    for name in ("card.json", "model.xml", "model.safetensors", "model.bin", "evidence.safetensors"):
        if (folder / name).is_file():
            with (folder / name).open("rb") as file:
                whole.update(name.encode() + hashlib.file_digest(file, "sha256").digest())
    return whole.hexdigest()


def _is_done(out: Path, job: str) -> bool:
    """Whether `out` is the very file that would be made. UserError where it is another."""
    if not out.exists():
        return False
    try:
        done = json.loads((pq.read_schema(out).metadata or {}).get(META, b"{}")).get("job")
    except (pa.ArrowInvalid, OSError, ValueError):
        done = None
    if done != job:
        raise UserError(
            f"{printable(out)} is there already, of other photos, another model or another precision: choose another "
            "name, or remove it."
        )
    return True


def _answered(tagger: _Tagger, photos: Listing, places: range, progress: Progress) -> pa.Table:
    """The rows of the photos at `places`; the network works on some while threads read the next."""
    size = tagger.predictor.card.image_size
    opened = map_in_threads(_opener(photos, size), list(places), "", None)
    found: list[tuple[np.ndarray, Colour] | str] = []
    logits, embeddings, waiting = [], [], []
    for place, photo in zip(places, opened, strict=True):
        found.append(photo)
        if not isinstance(photo, str):
            waiting.append(photo[0])
        if len(waiting) == BATCH or (waiting and place == places.stop - 1):
            answer = tagger.predictor.predict_pixels(np.stack(waiting))
            logits.append(answer[0])
            embeddings.append(answer[1])
            waiting = []
            if progress:
                progress(place + 1, len(photos.names), "Tagging")
    colours = [photo if isinstance(photo, str) else photo[1] for photo in found]
    return _table(tagger, [photos.names[place] for place in places], colours, logits, embeddings)


def _opener(photos: Listing, size: int) -> Callable[[int], tuple[np.ndarray, Colour] | str]:
    """Reads one photo as a square of the model's size, with its measured colour; or says why it cannot be read."""

    def opened(place: int) -> tuple[np.ndarray, Colour] | str:
        try:
            square = imaging.square(imaging.read(photos.read(place)), size)
        except BadPhoto as reason:
            return str(reason)
        return square, garment_colour.measure(square)

    return opened


def _table(
    tagger: _Tagger,
    names: Sequence[str],
    colours: Sequence[Colour | str],
    logits: Sequence[np.ndarray],
    embeddings: Sequence[np.ndarray],
) -> pa.Table:
    """The rows in the order of `names`; `logits` and `embeddings` are of the photos that could be read."""
    good = np.array([not isinstance(colour, str) for colour in colours])
    card, d = tagger.predictor.card, embeddings[0].shape[1] if embeddings else 0
    probabilities = tagger.predictor.calibrated(np.concatenate(logits)) if logits else np.empty((0, len(card.classes)))
    embedded = np.concatenate(embeddings) if embeddings else np.empty((0, d), np.float32)
    measured = [colour for colour in colours if not isinstance(colour, str)]
    best = probabilities.argmax(axis=1) if len(probabilities) else np.empty(0, int)
    pairs = factors(card.classes)
    states = _states(tagger, probabilities, embedded, measured)

    def column(values: Sequence, kind: pa.DataType) -> pa.Array:
        rest: Iterator = iter(values)
        return pa.array([next(rest) if each else None for each in good], kind)

    words = [column([pair[i] for pair in (pairs[k] for k in best)], pa.string()) if pairs else None for i in (0, 1)]
    none = pa.nulls(len(names), pa.string())
    return pa.table({
        "photo": pa.array([name.encode("utf-8", "surrogateescape").decode("utf-8", "replace") for name in names]),
        "label": column([card.classes[k] for k in best], pa.string()),
        "colour": none if words[0] is None else words[0],
        "garment": none if words[1] is None else words[1],
        "confidence": column(probabilities.max(axis=1).tolist() if len(best) else [], pa.float32()),
        "state": column(states, pa.string()),
        "measured_colour": column(garment_colour.hexadecimal(measured), pa.string()),
        "measured_uncertainty": column([colour.uncertainty for colour in measured], pa.float32()),
        "embedding": column(list(embedded), pa.list_(pa.float32())),
        "reason": pa.array([colour if isinstance(colour, str) else None for colour in colours], pa.string()),
    })  # fmt: skip


def _states(tagger: _Tagger, probabilities: np.ndarray, embeddings: np.ndarray, colours: Sequence[Colour]) -> list[str]:
    """How far each answer can be believed, by the rule of Predict: sure, check or outside."""
    found = seen(probabilities, embeddings, colours, tagger.explanations)
    return [str(tagger.predictor.judge(each, tagger.explanations).state) for each in found]


def _about(tagger: _Tagger, photos: Listing, job: str) -> dict[str, object]:
    card = tagger.predictor.card
    return {
        "v": VERSION, "job": job, "model": card.name, "precision": tagger.predictor.precision,
        "classes": card.classes, "kind": photos.kind,
        "source": printable(photos.source), "photos": len(photos.names),
    }  # fmt: skip


def _join(out: Path, parts: Sequence[Path], about: dict[str, object]) -> None:
    """One file of all parts, a row group each, whole or not at all."""
    schema = pq.read_schema(parts[0]).with_metadata({META: json.dumps(about).encode()})
    with atomic_write(out) as partial, pq.ParquetWriter(partial, schema, compression="zstd") as writer:
        for part in parts:
            writer.write_table(pq.read_table(part).replace_schema_metadata(schema.metadata))
