"""The training loop: batch, forward, loss, backward, step, log. `python -m fashion_core train DIR` runs it.

Everything random is drawn from (seed, epoch) or (seed, step), never from a state that a kill could lose: so a run that
is stopped or killed anywhere and resumed ends, on the CPU, with the same bytes as one that was never interrupted.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn

from fashion_core import UserError
from fashion_core.engine import checkpoint, models
from fashion_core.engine.augmentation import Augmentation
from fashion_core.engine.checkpoint import BEST, LAST, rewind_to_best
from fashion_core.engine.device import Log, autocast, choose_precision, predict_logits, try_in_memory
from fashion_core.engine.iterations import LATE, Iteration, Measured, fetched
from fashion_core.engine.losses import distilled, partial_cross_entropy
from fashion_core.engine.processes import Team, take_device
from fashion_core.engine.progress import TrainingProgress
from fashion_core.engine.recipe import make_optimizer
from fashion_core.runs.config import TrainConfig, learning_rate_at
from fashion_core.runs.stopping import Stopped

CHECKPOINT_SECONDS = 60.0  # at most this much work is done again after a kill
HEARTBEAT_SECONDS = 2.0
STATISTICS_PHOTOS = 512  # enough for a mean and a variance per channel


class NotFinite(UserError):
    """The loss is not a number any more; the message names the step and both ways on."""


@dataclass(frozen=True)
class Photos:
    """What the loop needs of a dataset: pixels uint8 (n, s, s, 3), rows of the two splits, class names.

    `candidates`, bool (n + m, k), says which classes each photo may be: one, or several for a partial label, as of a
    garment whose colour nobody wrote down, or none, as of another article. The last m rows are extra photos to train
    on, with `extra_pixels`.
    `taught`, float32 (n + m, k), is a teacher's answer to each photo; zeros where it has none.
    """

    pixels: np.ndarray
    candidates: np.ndarray
    train: np.ndarray
    validation: np.ndarray
    classes: tuple[str, ...]
    fingerprint: str
    extra_pixels: np.ndarray | None = None
    taught: np.ndarray | None = None

    def batch(self, rows: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        """uint8 (b, s, s, 3) and bool (b, k) of `rows`, in their order."""
        pixels = np.empty((len(rows), *self.pixels.shape[1:]), np.uint8)
        own = rows < len(self.pixels)
        pixels[own] = self.pixels[rows[own]]
        if self.extra_pixels is not None:
            pixels[~own] = self.extra_pixels[rows[~own] - len(self.pixels)]
        return torch.from_numpy(pixels), torch.from_numpy(self.candidates[rows])

    def labels(self, rows: np.ndarray) -> torch.Tensor:
        """int64 (len(rows)): the class of photos that have one."""
        return torch.from_numpy(self.candidates[rows].argmax(axis=1))


@dataclass
class Trainer:
    """One run of the loop. `train()` returns "finished" or "stopped"; `best.safetensors` holds the best weights.

    `on_validation(epoch, logits)` gets the class scores of the validation photos, float32 (rows, k), after every epoch.
    """

    config: TrainConfig
    photos: Photos
    folder: Path
    log: Log
    should_stop: Callable[[], bool]
    on_validation: Callable[[int, np.ndarray], object] = lambda epoch, logits: None
    progress: TrainingProgress = field(default_factory=TrainingProgress)
    team: Team = field(default_factory=Team)

    def __post_init__(self) -> None:
        torch.manual_seed(self.config.seed)
        torch.use_deterministic_algorithms(True, warn_only=True)
        self.device = take_device(self.config.device, self.team.size)
        state = self._read_last()
        pretrained = self.config.pretrained if state is None else "none"
        self.model, origin = models.build(
            self.config.architecture, self.photos.classes, self.config.image_size, pretrained
        )
        if self.config.test_image_size:  # told now, not after the last epoch
            models.refuse_size(self.model, self.config.architecture, self.config.test_image_size)
        if self.config.frozen:
            models.freeze_body(self.model, len(self.photos.classes))
        self.model.to(self.device).to(memory_format=torch.channels_last)
        self.normalise = models.Normalise(self.model).to(self.device)
        self.optimizer = make_optimizer(self.model, self.config, len(self.photos.classes))
        self.ema: AveragedModel | None = None
        if self.config.ema_decay:
            self.ema = AveragedModel(self.model, multi_avg_fn=get_ema_multi_avg_fn(self.config.ema_decay))
        if state is None:
            self.progress.origin = origin
        else:
            self._restore(*state)
        self.progress.precision, self.precision_reason = choose_precision(self.device, self.config.precision)
        self.augment = Augmentation(self.config, len(self.photos.candidates))
        self.team.refuse_batch(min(self.config.batch_size, len(self.photos.train)))
        self.steps_per_epoch = max(1, len(self.photos.train) // self.config.batch_size)
        self.total = self.steps_per_epoch * self.config.epochs
        self._epoch_order: tuple[int, np.ndarray] = (-1, self.photos.train)
        self._waiting: list[Iteration] = []  # steps that are done and not counted yet
        self.network = self.model  # or what averages its gradients with other processes

    def train(self) -> str:
        """Run to the end or until asked to stop; both leave the last and the best weights on disk."""
        self.network = self.team.joined(self.model, self.device)
        try:
            self._train_on()
        except Stopped:
            self.save_last()
            return "stopped"
        return "finished"

    def _train_on(self) -> None:
        """Run to the end. Raises `Stopped` where what was learned so far is whole."""
        started, first_step = time.monotonic(), self.progress.step
        saved, heartbeat = started, -math.inf
        while self.progress.step < self.total or self._waiting or self.progress.seen:
            epoch, batch = divmod(self.progress.step, self.steps_per_epoch)
            if not batch:
                self._count()
            if self.progress.seen and not batch:  # its steps are done; a stop may have come before it was validated
                self._end_epoch(epoch, self.progress.step - first_step, time.monotonic() - started)
                saved = time.monotonic()
                continue
            if self.team.any(self.should_stop()):
                raise Stopped
            self._train_batch(epoch, batch)
            now = time.monotonic()
            if now - heartbeat >= HEARTBEAT_SECONDS:
                self._heartbeat(self.progress.step - first_step, now - started)
                heartbeat = now
            if now - saved >= CHECKPOINT_SECONDS and batch + 1 < self.steps_per_epoch:
                self.save_last()
                saved = time.monotonic()

    def _train_batch(self, epoch: int, batch: int) -> None:
        """One iteration; it is counted and logged once its loss is asked for."""
        rate = learning_rate_at(self.config, self.progress.step, self.steps_per_epoch)
        rows = self._batch_rows(epoch, batch)
        loss, right = self._step(rows, rate)
        self.progress.step += 1
        labelled = int(self.photos.candidates[rows].any(axis=1).sum())
        self._waiting.append(Iteration(self.progress.step, epoch + 1, rate, len(rows), labelled, loss, right))
        if len(self._waiting) >= LATE.get(self.device.type, 1):
            self._count()

    def _count(self) -> None:
        """Count and log the iterations that wait. `NotFinite` where the loss of one is no number."""
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        for one, loss, right in fetched(waiting):
            if not np.isfinite(loss):
                raise self._diverged(f"The loss is not a number at step {one.step}")
            self.progress.loss_sum += loss * one.photos
            self.progress.right += right
            self.progress.seen += one.photos
            self.progress.labelled += one.labelled
            accuracy = right / max(one.labelled, 1)
            self.log("step", step=one.step, epoch=one.epoch, loss=loss, accuracy=accuracy, learning_rate=one.rate)

    def _batch_rows(self, epoch: int, batch: int) -> np.ndarray:
        """The rows of a batch of `epoch`: a shuffle, made once, that depends on nothing but the seed and the epoch."""
        if self._epoch_order[0] != epoch:
            generator = np.random.default_rng([self.config.seed, epoch])
            self._epoch_order = epoch, generator.permutation(self.photos.train)
        return self._epoch_order[1][batch * self.config.batch_size : (batch + 1) * self.config.batch_size]

    def _step(self, rows: np.ndarray, rate: float) -> Measured:
        """One optimizer step on `rows`: its mean loss and how many were right. Halves the batch if memory is short."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["factor"]
        # Of batch normalisation; several processes leave no step halfway.
        statistics = [] if self.team.joint else [buffer.clone() for buffer in self.model.buffers()]
        try:
            while (found := try_in_memory(lambda: self._seeded_backward(rows), self.device)) is None:
                self._halve(len(rows))
        except Stopped:  # within the step, which a resumed run takes again
            self._set_buffers(statistics)
            raise
        self.optimizer.step()
        if self.ema:
            self.ema.update_parameters(self.model)
        return found

    @torch.no_grad()
    def _set_buffers(self, values: list[torch.Tensor]) -> None:
        for buffer, value in zip(self.model.buffers(), values, strict=True):
            buffer.copy_(value)

    def _seeded_backward(self, rows: np.ndarray) -> Measured:
        torch.manual_seed(self.config.seed * 1_000_003 + self.progress.step + (self.team.rank << 52))
        self.optimizer.zero_grad(set_to_none=True)
        return self._backward(rows)

    def _backward(self, rows: np.ndarray) -> Measured:
        """Gradients of the mean loss over `rows`, each process's share in parts: the loss and how many were right."""
        loss_sum, right = torch.zeros((), device=self.device), torch.zeros((), device=self.device)
        for part in np.array_split(self.team.share(rows), max(1, self.progress.accumulate // self.team.size)):
            if not len(part):
                continue
            logits, candidates = self._training_logits(part)
            loss = self._loss(logits, candidates, part)
            (loss * (len(part) * self.team.size / len(rows))).backward()  # the mean over processes is taken there
            loss_sum += loss.detach() * len(part)
            right += candidates.gather(1, logits.argmax(1, keepdim=True)).sum()
        if self.team.size > 1:
            loss_total, right_total = self.team.sum(loss_sum.item(), right.item())
            return loss_total / len(rows), int(right_total)
        return loss_sum / len(rows), right

    def _training_logits(self, rows: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        """Class scores of `rows` as they are learned from, float32 (b, k), and what each may be, bool (b, k)."""
        self.model.train()
        pixels, candidates = (tensor.to(self.device) for tensor in self.photos.batch(rows))
        pixels = self.augment(pixels, self.progress.step // self.steps_per_epoch, rows)
        inputs = self.normalise(pixels).contiguous(memory_format=torch.channels_last)
        return self._forward(inputs), candidates

    def _loss(self, logits: torch.Tensor, candidates: torch.Tensor, rows: np.ndarray) -> torch.Tensor:
        loss = partial_cross_entropy(logits, candidates, self.config.label_smoothing)
        if self.photos.taught is not None:
            taught = torch.from_numpy(self.photos.taught[rows]).to(self.device)
            loss = distilled(loss, logits, taught, self.config.teacher_share)
        return loss.mean()

    def _forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Class scores, float32 (b, k). UserError for a photo so small that batch normalisation has one value of it."""
        try:
            with autocast(self.device, self.progress.precision):
                return self.network(inputs).float()
        except ValueError as error:
            if len(inputs) > 1 or "more than 1 value per channel" not in str(error):
                raise
        raise UserError(
            f"{self.config.architecture} cannot learn from one photo of {self.config.image_size} px at a time (batch "
            "normalisation needs several values): set batch_size to 2 or more, or image_size higher."
        )

    def _halve(self, batch: int) -> None:
        if self.team.size > 1:  # another process may have had room, and waits for this one's gradients
            raise UserError("Out of memory: go on with more processes, or start a run with a smaller batch_size.")
        self.progress.accumulate *= 2
        if self.progress.accumulate > batch:
            raise UserError("Out of memory even with one photo at a time: choose a smaller image_size or architecture.")
        size = -(-batch // self.progress.accumulate)
        self.log("note", text=f"Out of memory: each batch of {batch} now goes in parts of at most {size} photos.")

    def _diverged(self, what: str) -> NotFinite:
        """The error to raise; the last checkpoint, which may hold how it began, gives way to the best epoch."""
        command, rate = f"python -m fashion_core train --resume {self.folder.name}", self.config.learning_rate / 10
        lower = f"lower learning_rate: {command} --set learning_rate={rate:g}"
        step = rewind_to_best(self.folder)
        if step == 0:
            return NotFinite(f"{what}, before any epoch was finished. Begin again with a {lower}.")
        return NotFinite(
            f"{what}. Go on from the best epoch, {self.progress.best_epoch} (step {step}), with a {lower}; or train no "
            f"further, and test and keep that epoch: {command} --finish."
        )

    def _end_epoch(self, epoch: int, done: int, seconds: float) -> None:
        """Validate, keep the best, write the checkpoint, log the epoch."""
        self._update_ema_bn(epoch)
        logits = self._validation_logits()
        target = self.photos.labels(self.photos.validation)
        accuracy = (logits.argmax(1) == target).float().mean().item()
        loss = F.cross_entropy(logits, target).item()
        if not np.isfinite(loss):
            raise self._diverged(f"The validation loss is not a number after epoch {epoch}")
        self.on_validation(epoch, logits.numpy())
        better = (accuracy, -loss) > self.progress.best
        if better:
            self.progress.best, self.progress.best_epoch = (accuracy, -loss), epoch
            checkpoint.save(self.folder / BEST, self.eval_model().state_dict(), self._about() | {"epoch": epoch})
        progress = self.progress
        self.log(
            "epoch", epoch=epoch, step=progress.step, best=better,
            train_loss=progress.loss_sum / progress.seen, train_accuracy=progress.train_accuracy,
            validation_loss=loss, validation_accuracy=accuracy, **self._speed(done, seconds),
        )  # fmt: skip
        if progress.fell() and not progress.fall:
            progress.fall = self._fall(epoch)
            self.log("note", text=progress.fall)
        progress.begin_epoch()
        self.save_last()

    def _fall(self, epoch: int) -> str:
        config, progress = self.config, self.progress
        return (
            f"Training accuracy fell from {progress.peak:.1%} to {progress.train_accuracy:.1%} in epoch {epoch}: "
            f"learning_rate {config.learning_rate:g} is probably too high for {config.architecture} in batches of "
            f"{config.batch_size}. A lower one, such as {config.learning_rate / 4:.1g}, may learn more."
        )

    def _validation_logits(self) -> torch.Tensor:
        photos = self.photos
        return predict_logits(
            self.eval_model(), photos.pixels, photos.validation, self.device, self.progress.precision, self.log
        )

    def _update_ema_bn(self, epoch: int) -> None:
        """Batch normalisation of the averaged weights: what they see now, which no average of the past tells."""
        if not self.ema:
            return
        count = min(len(self.photos.train), STATISTICS_PHOTOS)
        rows = np.random.default_rng([self.config.seed, epoch, 1]).choice(self.photos.train, count, replace=False)
        divided = max(self.progress.accumulate, self.team.size)  # what fits when training fits here too
        size = max(1, self.config.batch_size // divided)
        parts = np.array_split(rows, max(1, count // size))
        batches = (self.normalise(self.photos.batch(part)[0].to(self.device)) for part in parts)
        with autocast(self.device, self.progress.precision):
            update_bn(batches, self.ema.module)

    def eval_model(self) -> nn.Module:
        """The network that is validated and kept: the moving average where there is one."""
        return self.ema.module if self.ema else self.model

    def _speed(self, done: int, seconds: float) -> dict[str, Any]:
        memory = torch.cuda.max_memory_allocated() / 2**30 if self.device.type == "cuda" else None
        left = (self.total - self.progress.step) * seconds / max(done, 1)
        rate = done * min(self.config.batch_size, len(self.photos.train)) / max(seconds, 1e-9)
        return {"images_per_second": round(rate, 1), "seconds_left": round(left, 1), "gpu_memory_gib": memory}

    def _heartbeat(self, done: int, seconds: float) -> None:
        self.log("heartbeat", step=self.progress.step, **self._speed(done, seconds))

    def _about(self) -> dict[str, Any]:
        return {
            "v": 1, "classes": self.photos.classes, "fingerprint": self.photos.fingerprint,
            "config": self.config.as_dict(), "progress": vars(self.progress), "torch": torch.__version__,
        }  # fmt: skip

    def save_last(self) -> None:
        """Write the checkpoint to go on from: network, moving average, optimizer and progress."""
        self._count()
        tensors = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        if self.ema:
            tensors |= {f"ema.{name}": tensor.clone() for name, tensor in self.ema.state_dict().items()}
        for index, values in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{key}": value for key, value in values.items() if value is not None}
        checkpoint.save(self.folder / LAST, tensors, self._about())

    def _read_last(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]] | None:
        file = self.folder / LAST
        if not file.exists():
            return None
        tensors, about = checkpoint.load(file)
        if about["fingerprint"] != self.photos.fingerprint:
            raise UserError(
                "The photos have changed since this run began, or are others: bring them back as they were, say where "
                f"they are (python -m fashion_core train --resume {self.folder.name} DIR), or start a new run on them."
            )
        return tensors, about

    def _restore(self, tensors: dict[str, torch.Tensor], about: dict[str, Any]) -> None:
        self.model.load_state_dict(checkpoint.split_prefix(tensors, "model."))
        if self.ema:
            self.ema.load_state_dict(checkpoint.split_prefix(tensors, "ema."))
        slots: dict[int, dict[str, torch.Tensor]] = {}
        for name, tensor in checkpoint.split_prefix(tensors, "optimizer.").items():
            index, key = name.split(".", 1)
            slots.setdefault(int(index), {})[key] = tensor
        self.optimizer.load_state_dict({"state": slots, "param_groups": self.optimizer.state_dict()["param_groups"]})
        self.progress = TrainingProgress.read(about)
