"""The evidence for a class in a new photo, by place, without torch: class activation maps (CAM, Zhou et al. 2016).

    logits, _, features = predictor.with_features(squares)
    heat = ClassMaps(predictor).of(features, "blue_dress")     # float32 (n, h, w), or None

The head's weights lie in model.safetensors under a name that depends on the network. They are found by what they do: of
the matrices of the right shape the one that gives the network's own scores of a photo, from its embeddings.
"""

from collections.abc import Iterator

import numpy as np
from PIL import Image

from fashion_core.class_names import split_names
from fashion_core.models.predictor import Predictor
from fashion_core.photos import imaging

NEAR = 0.02  # of the scores' range: float16 weights give the network's scores to less than that


class ClassMaps:
    """The maps of one model; there are none where its head does not average its last feature map."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self._weights = self._found()

    def of(self, features: np.ndarray | None, label: str) -> np.ndarray | None:
        """Float32 (n, h, w): by how much each place of the photos with those `features` (n, c, h, w) raised or lowered
        the score of class `label` against the other classes'; None where that is unknown."""
        classes = self._predictor.classes
        if self._weights is None or features is None or label not in classes:
            return None
        weights = self._weights[classes.index(label)] - self._weights.mean(axis=0)
        return np.einsum("c,nchw->nhw", weights, features).astype(np.float32)

    def _found(self) -> np.ndarray | None:
        """(classes, channels), tried on two photos of noise, whose scores differ by the weights alone and not by the
        head's bias; and on their mirror images, as the mean with those is what some models answer."""
        size, rng = self._predictor.card.image_size, np.random.default_rng(0)
        coarse = rng.integers(0, 256, (2, 8, 8, 3), np.uint8)
        photos = np.stack([imaging.square(Image.fromarray(each), size) for each in coarse])
        scores, embeddings, features = self._predictor.with_features(photos)
        if features is None or features.shape[:2] != embeddings.shape:
            return None
        if not np.allclose(features.mean((2, 3)), embeddings, rtol=1e-2, atol=1e-2):
            return None
        mirrored = self._predictor.predict_pixels(np.ascontiguousarray(photos[:, :, ::-1]))[1]
        given = scores[0] - scores[1]
        for weights in self._candidates(embeddings.shape[1]):
            for seen in (embeddings, (embeddings + mirrored) / 2):
                if np.abs(weights @ (seen[0] - seen[1]) - given).max() <= NEAR * np.ptp(given):
                    return weights
        return None

    def _candidates(self, channels: int) -> Iterator[np.ndarray]:
        """Matrices a row of which may be a class, or its colour and its garment together (two heads)."""
        from safetensors import safe_open

        classes = self._predictor.classes
        pairs = split_names(classes) or []
        colours, garments = (sorted(set(part)) for part in zip(*pairs, strict=True)) if pairs else ([], [])
        with safe_open(self._predictor.folder / "model.safetensors", framework="np") as file:
            for name in file.keys():  # noqa: SIM118 (a file, not a dict)
                shape = file.get_slice(name).get_shape()
                if shape == [len(classes), channels]:
                    yield file.get_tensor(name).astype(np.float32)
                elif pairs and shape == [len(colours) + len(garments), channels]:
                    parts = file.get_tensor(name).astype(np.float32)
                    yield np.stack(
                        [parts[colours.index(c)] + parts[len(colours) + garments.index(g)] for c, g in pairs]
                    )
