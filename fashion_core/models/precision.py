"""In which precision a model answers: float32, or bfloat16 where that passed a gate and this CPU computes in it.

    chosen, why = choose(card.name, card.precisions, usual=card.states)             # "bfloat16", ""

A card has a record for each precision that was measured beside float32 (`python -m bench.precision MODEL DIR… --write
PHOTOS`): how far its answers differ, and the temperature and the limits of sure, check and outside that were fitted on
its own answers. Figures of a test are always those of float32.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fashion_core import UserError
from fashion_core.evaluation.states import State, States

SETTING = "BUSANA_PRECISION"  # auto, float32 or bfloat16
AUTO, FLOAT32, BFLOAT16 = "auto", "float32", "bfloat16"
SAME, LOWER = 0.995, 0.002  # the gate: share of the same top class, and by how much accuracy may fall
AS_SURE = 0.9  # of what float32 calls sure: with less, bfloat16 is not chosen by itself
NATIVE = {"avx512_bf16", "amx_bf16"}  # what Linux calls the instructions; without them OpenVINO only emulates
CPU_INFO = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class Measured:
    """A precision beside float32, on `n` test photos: `same` top classes, how many were `right` in each, and by how
    much a probability moved at most, in all of them and in 99%. `temperature` and `states` take the place of the
    card's; where that has no limits, `ood_threshold` takes the place of `Explanations`'. `cpu` is what it was measured
    on."""

    temperature: float
    n: int
    same: int
    right: int
    float32_right: int
    moved: float
    moved_99: float
    states: States | None = None
    ood_threshold: float | None = None
    cpu: str = ""

    @property
    def passes(self) -> bool:
        """Whether a model may answer so."""
        lower = self.float32_right - self.right
        return self.n > 0 and self.temperature > 0 and self.same >= SAME * self.n and lower <= LOWER * self.n


def asked() -> str:
    """What SETTING asks for. UserError for any other word."""
    word = os.environ.get(SETTING, "").strip().lower() or AUTO
    if word not in (AUTO, FLOAT32, BFLOAT16):
        raise UserError(f"{SETTING} is {word!r}: set it to {AUTO}, {FLOAT32} or {BFLOAT16}.")
    return word


def choose(
    name: str, measured: Mapping[str, Measured], wanted: str = "", usual: States | None = None
) -> tuple[str, str]:
    """The precision for the model `name`, whose limits in float32 are the `usual`; and why it is not bfloat16 although
    that was measured or `wanted`, as a sentence, or "". Where nothing is `wanted`, SETTING decides."""
    wanted = wanted or asked()
    if wanted == FLOAT32:
        return FLOAT32, ""
    if BFLOAT16 not in measured:
        return FLOAT32, f"{name} was not measured in bfloat16: it answers in float32." if wanted == BFLOAT16 else ""
    if not native():
        return FLOAT32, no_bfloat16(name)
    if wanted == AUTO and not as_sure(measured[BFLOAT16].states, usual):
        return (
            FLOAT32,
            f"{name} calls fewer photos sure in bfloat16: it answers in it only where {SETTING} asks for that.",
        )
    return BFLOAT16, ""


def as_sure(own: States | None, usual: States | None) -> bool:
    """Whether limits call as many of the photos that they were chosen on sure as the usual ones, or nearly."""
    held = [states.held_back.get(State.SURE) for states in (own, usual) if states]
    counts = [each.n for each in held if each]
    return len(counts) < 2 or counts[0] >= AS_SURE * counts[1]


def no_bfloat16(name: str) -> str:
    return f"This CPU does not compute in bfloat16, as far as the system says: {name} answers in float32."


def native() -> set[str]:
    """Which of NATIVE this CPU has. OpenVINO claims bfloat16 for all with AVX-512, most of which only emulate it; so
    the system is asked, and one that does not say has none."""
    try:
        return NATIVE & set(CPU_INFO.read_text("utf-8", "replace").split())
    except OSError:
        return set()
