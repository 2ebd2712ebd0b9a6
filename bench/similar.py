"""Indexes for "find similar": what they find of the true neighbours, and what a question and the building cost.

    python -m bench.similar FILE.parquet [--photos 44000] [--only NAME …]

FILE is what `tag` wrote. Where it has fewer embeddings than asked for, more are drawn between pairs of like photos,
with a little noise. Truth is the exact ten nearest by cosine; recall is the share of them that an index names. Each
question is asked alone, in one thread. Prints a line for each index.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from fashion_core.models.similar_photos import SimilarPhotos
from fashion_core.models.tagged import Tagged

K, QUESTIONS = 10, 200
Search = Callable[[np.ndarray], np.ndarray]


def drawn(found: np.ndarray, count: int) -> np.ndarray:
    """Unit vectors (count, d): those of `found`, then more between each and one of its ten nearest."""
    random = np.random.default_rng(0)
    found = found / np.linalg.norm(found, axis=1, keepdims=True)
    near = np.argsort(-(found @ found.T), axis=1)[:, 1:11]
    rows = random.integers(0, len(found), max(count - len(found), 0))
    others, share = near[rows, random.integers(0, near.shape[1], len(rows))], random.random((len(rows), 1))
    more = found[rows] * (1 - share) + found[others] * share
    more += random.standard_normal(more.shape) * more.std(axis=0) * 0.3
    whole = np.concatenate([found, more])[:count].astype(np.float32)
    return whole / np.linalg.norm(whole, axis=1, keepdims=True)


def ours(vectors: np.ndarray) -> Search:
    index = SimilarPhotos.build(vectors)
    return lambda asked: index.nearest(asked, K)


def exact(vectors: np.ndarray) -> Search:
    return lambda asked: np.argpartition(-(vectors @ asked), K)[:K]


def usearch(vectors: np.ndarray) -> Search:
    from usearch.index import Index

    index = Index(ndim=vectors.shape[1], metric="cos", dtype="f16")
    index.add(np.arange(len(vectors)), vectors, threads=1)
    return lambda asked: np.asarray(index.search(asked, K).keys)


def hnswlib(vectors: np.ndarray) -> Search:
    import hnswlib

    index = hnswlib.Index("ip", vectors.shape[1])
    index.init_index(len(vectors), ef_construction=100, M=16)
    index.add_items(vectors, num_threads=1)
    index.set_ef(64)
    return lambda asked: index.knn_query(asked, K, num_threads=1)[0][0]


def faiss(vectors: np.ndarray) -> Search:
    import faiss

    faiss.omp_set_num_threads(1)
    index = faiss.index_factory(vectors.shape[1], "IVF256,Flat", faiss.METRIC_INNER_PRODUCT)
    index.train(vectors[::4])
    index.add(vectors)
    index.nprobe = 16
    return lambda asked: index.search(asked[None], K)[1][0]


INDEXES = {"exact": exact, "ours": ours, "faiss": faiss, "usearch": usearch, "hnswlib": hnswlib}


def main(file: Path, photos: int, only: list[str]) -> None:
    """Print the figures."""
    vectors = drawn(Tagged.open(file).embeddings(), photos)
    asked = vectors[np.random.default_rng(1).choice(len(vectors), min(QUESTIONS, len(vectors)), replace=False)]
    truth = np.argsort(-(asked @ vectors.T), axis=1)[:, :K]
    print(f"{len(vectors):,} embeddings of {vectors.shape[1]}, {len(asked)} questions")
    for name in only or INDEXES:
        begun = time.perf_counter()
        search = INDEXES[name](vectors)
        built, times, recalls = time.perf_counter() - begun, [], []
        for one, true in zip(asked, truth, strict=True):
            begun = time.perf_counter()
            found = search(one)
            times.append(time.perf_counter() - begun)
            recalls.append(len(set(found.tolist()) & set(true.tolist())) / len(true))
        print(f"{name}: recall {np.mean(recalls):.3f}, median {1e3 * np.median(times):.1f} ms, "
              f"slowest {1e3 * np.max(times):.1f} ms, built in {built:.1f} s", flush=True)  # fmt: skip


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("file", type=Path)
    options.add_argument("--photos", type=int, default=44_000)
    options.add_argument("--only", nargs="+", choices=INDEXES, default=[])
    main(**vars(options.parse_args()))
