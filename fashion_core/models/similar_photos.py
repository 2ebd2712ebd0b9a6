"""The most similar of many photos by their embeddings: an index in one file, read from the disk as it is asked.

    index = SimilarPhotos.of(tagged)            # built once a file, then opened from the cache folder
    places = index.nearest(vector, 12)

Faiss's inverted lists: the vectors are sorted to a few hundred centres, and a question looks through the lists of the
nearest. bench/similar.py has what that misses and what it costs.
"""

import hashlib
import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from fashion_core import UserError
from fashion_core.files import atomic_write, cache_folder, size_and_mtime
from fashion_core.models.tagged import Tagged
from fashion_core.photos import nearest

EXACT = 4_000  # up to so many, all are looked through


@dataclass(frozen=True)
class SimilarPhotos:
    """`index` is Faiss's own."""

    index: Any

    @classmethod
    def build(cls, vectors: np.ndarray) -> "SimilarPhotos":
        """Of embeddings float32 (n, d)."""
        return cls(nearest.index(_unit(vectors), "SQfp16", EXACT, by_cosine=True))

    @classmethod
    def of(cls, tagged: Tagged) -> "SimilarPhotos":
        """Of a file's photos that could be read. UserError where the model gave no embeddings."""
        name, stamp = (
            hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]
            for text in (os.fspath(tagged.file), str(size_and_mtime(tagged.file.parent, tagged.file.name)))
        )
        file, faiss = cache_folder() / f"similar-{name}-{stamp}.faiss", nearest.faiss()
        if not file.exists():
            vectors = tagged.embeddings()
            if not vectors.size:
                raise UserError("The model of this catalogue gives no embeddings: publish it again, then tag anew.")
            with atomic_write(file) as partial:
                faiss.write_index(cls.build(vectors).index, str(partial))
            for other in cache_folder().glob(f"similar-{name}-*.faiss"):
                if other != file:  # of the file as it was
                    other.unlink(missing_ok=True)
        return cls(faiss.read_index(str(file), faiss.IO_FLAG_MMAP))

    def nearest(self, vector: np.ndarray, most: int) -> np.ndarray:
        """The places of the `most` photos nearest to an embedding (d,) by cosine, the nearest first."""
        return self._search(_unit(vector[None]), most)

    def nearest_to(self, place: int, most: int) -> np.ndarray:
        """The same for the photo at `place`, itself apart."""
        if hasattr(self.index, "make_direct_map"):
            self.index.make_direct_map()
        found = self._search(_unit(self.index.reconstruct(int(place))[None]), most + 1)
        return found[found != place][:most]

    def _search(self, unit: np.ndarray, most: int) -> np.ndarray:
        found = self.index.search(unit, min(most, self.index.ntotal))[1][0]
        return found[found >= 0]


def _unit(vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.ascontiguousarray(vectors / np.maximum(lengths, 1e-12), np.float32)
