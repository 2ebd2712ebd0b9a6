"""A body that does not learn: every photo's embedding is computed once, and the last layer is trained on those.

FrozenTrainer(config, photos, folder, log, should_stop).train()
"""

import hashlib
import time
from typing import Any

import numpy as np
import torch

from fashion_core import UserError
from fashion_core.engine import checkpoint, models
from fashion_core.engine.device import autocast, in_batches
from fashion_core.engine.stopping import Report
from fashion_core.engine.training import Trainer
from fashion_core.runs.stages import EMBEDDING
from fashion_core.runs.stopping import Stopped

FILE = "embeddings.safetensors"  # in a run's folder: a resumed run goes on from them
EMBEDDINGS = "embeddings"
KEEP_SECONDS = 20.0  # at most this much is computed again after a kill
CPU_BATCH, GPU_BATCH = 4, 64  # after each batch it is seen whether to stop


class FrozenTrainer(Trainer):
    """A Trainer whose batches are embeddings: of the training photos, with `flip` of their mirror images too, and of
    the validation photos. The body computes as in prediction: no dropout, no new batch statistics.

    UserError for a network whose class scores are not one linear layer's on an embedding, and for weights that could
    not be had.
    """

    def __post_init__(self) -> None:
        if self.team.size > 1:
            raise UserError("frozen trains one layer, for which one process is enough: start it without torchrun.")
        super().__post_init__()
        if self.config.pretrained != "none" and self.progress.origin.startswith("Random weights"):
            raise UserError(f"{self.progress.origin} A frozen body that knows nothing would be of no use.")
        self.head = models.head(self.model, len(self.photos.classes))
        self._refuse_other_heads()
        self._rows = np.concatenate([self.photos.train, self.photos.validation])
        self._places = np.full(len(self.photos.candidates), -1)  # of each photo's own embedding
        self._places[self._rows] = np.arange(len(self._rows))
        self._embeddings = torch.empty(0)

    def train(self) -> str:
        """Compute the embeddings that are missing, then train the last layer; returns as Trainer does."""
        try:
            self._embeddings = self._embed()
        except Stopped:
            return "stopped"
        return super().train()

    def _embed(self) -> torch.Tensor:
        """float32 (n, d): of `_rows`, then with `flip` of the mirrored training photos. What there is, is kept."""
        items = np.concatenate([self._rows, self.photos.train]) if self.config.flip else self._rows
        about = {"fingerprint": self.photos.fingerprint, "body": self._digest()}
        found = self._kept(about)[: len(items)]
        parts, first, saved = [found], len(found), time.monotonic()
        report = Report(self.log, self.should_stop)
        size = CPU_BATCH if self.device.type == "cpu" else GPU_BATCH

        def look(batch: slice) -> torch.Tensor:
            place = np.arange(first + batch.start, first + batch.stop)
            return self._look(items[place], place >= len(self._rows))

        try:
            for batch, part in in_batches(look, len(items) - first, self.device, self.log, size):
                parts.append(part)
                report(first + batch.stop, len(items), EMBEDDING)
                if time.monotonic() - saved > KEEP_SECONDS:
                    parts, saved = [self._keep(parts, about)], time.monotonic()
        finally:
            if len(parts) > 1:
                parts = [self._keep(parts, about)]
        return parts[0]

    def _keep(self, parts: list[torch.Tensor], about: dict[str, Any]) -> torch.Tensor:
        whole = torch.cat([part for part in parts if len(part)])
        checkpoint.save(self.folder / FILE, {EMBEDDINGS: whole}, about)
        return whole

    def _kept(self, about: dict[str, Any]) -> torch.Tensor:
        """The embeddings of an earlier start, none where the photos or the body were others; float32 (n, d)."""
        if (self.folder / FILE).exists():
            tensors, kept = checkpoint.load(self.folder / FILE)
            if kept == about:
                return tensors[EMBEDDINGS]
        return torch.empty(0)

    def _digest(self) -> str:
        """SHA-256 of all that an embedding depends on, the photos apart."""
        digest, head = hashlib.sha256(), {id(parameter) for parameter in self.head.parameters()}
        for name, tensor in self.model.state_dict(keep_vars=True).items():
            if id(tensor) not in head:
                digest.update(name.encode() + tensor.detach().cpu().numpy().tobytes())
        digest.update(f"{self.config.architecture}:{self.config.image_size}:{self.progress.precision}".encode())
        return digest.hexdigest()

    @torch.no_grad()
    def _look(self, rows: np.ndarray, mirrored: np.ndarray) -> torch.Tensor:
        """Embeddings float32 (b, d), on the CPU, of `rows`, those `mirrored` (bool, b) of the mirror image."""
        inputs = self.normalise(self.photos.batch(rows)[0].to(self.device))
        turned = torch.from_numpy(mirrored).to(self.device)
        inputs[turned] = inputs[turned].flip(3)
        with autocast(self.device, self.progress.precision):
            embedding, _ = self._seen(inputs.contiguous(memory_format=torch.channels_last))
        return embedding.float().cpu()

    def _seen(self, inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """What the last layer reads, and the class scores."""
        seen: list[torch.Tensor] = []
        handle = self.head.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
        try:
            scores = self.model.eval()(inputs)
        finally:
            handle.remove()
        return seen[0], scores

    @torch.no_grad()
    def _refuse_other_heads(self) -> None:
        side = self.config.image_size
        embedding, scores = self._seen(torch.zeros(1, 3, side, side, device=self.device))
        if embedding.ndim != 2 or not torch.allclose(self.head(embedding), scores, atol=1e-4):
            raise UserError(
                f"frozen cannot train {self.config.architecture}, whose class scores are not those of one last linear "
                "layer: choose another architecture such as efficientnet_lite0, or set frozen=false."
            )

    def _training_logits(self, rows: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        places = torch.from_numpy(self._places[rows])
        if self.config.flip:
            places = torch.where(torch.rand(len(rows)) < 0.5, places + len(self._rows), places)
        logits = self.head(self._embeddings[places].to(self.device))
        return logits, torch.from_numpy(self.photos.candidates[rows]).to(self.device)

    @torch.inference_mode()
    def _validation_logits(self) -> torch.Tensor:
        head = models.head(self.eval_model(), len(self.photos.classes))
        return head(self._embeddings[self._places[self.photos.validation]].to(self.device)).cpu()

    def _update_ema_bn(self, epoch: int) -> None:
        """Nothing: the body keeps the batch statistics that the embeddings were computed with."""

    def _speed(self, done: int, seconds: float) -> dict[str, Any]:
        """As a Trainer's, but no photos a second: the photos are looked at only once, before."""
        return super()._speed(done, seconds) | {"images_per_second": None}
