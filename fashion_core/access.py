"""Who may do what. On one's own machine everything; on a shared server strangers look and predict, trainers do more.

    access.require(Action.TRAIN)        # a UserError where the caller may not
    folder = access.inside(folder)      # a UserError where a shared server would leave its own folders

What changes something asks here itself, so that no page, link or callback gets around it. Only the web server calls
`share`; the command line and a run's worker are the owner's.
"""

import ipaddress
import os
from collections.abc import Callable, Iterable, Mapping
from enum import Enum, IntEnum
from pathlib import Path
from typing import Any, NamedTuple

from fashion_core import APP, UserError, home

SHARED = "BUSANA_SHARED"  # set to 1 where a proxy or tunnel on this machine lets others in
_OFF = ("", "0", "false", "no", "off")


class Role(IntEnum):
    """Each may do what those before it may."""

    NOBODY = 0  # has to sign in first
    VIEWER = 1
    TRAINER = 2
    OWNER = 3  # at their own machine


class Action(Enum):
    """What may be asked for: the role it needs, and how a sentence calls it."""

    LOOK = (Role.VIEWER, "Looking at models and photos")
    PREDICT = (Role.VIEWER, "Predicting")
    TRAIN = (Role.TRAINER, "Training")
    DECIDE = (Role.TRAINER, "Correcting labels")
    GET_PHOTOS = (Role.TRAINER, "Bringing photos")
    PUBLISH = (Role.TRAINER, "Publishing a model")


class SignIn(NamedTuple):
    """Sign-in as the secrets set it up: whether it is, and the addresses of those who train and of those who look.
    Without any viewers everyone may look."""

    configured: bool = False
    trainers: frozenset[str] = frozenset()
    viewers: frozenset[str] = frozenset()

    @classmethod
    def read(cls, auth: object, lists: Mapping[str, Any]) -> "SignIn":
        """From the sections `[auth]` and `[access]`. UserError where a list is none."""
        return cls(bool(auth), *(_addresses(name, lists.get(name, ())) for name in ("trainers", "viewers")))

    def role(self, user: Mapping[str, Any]) -> Role:
        """Of a visitor with these claims of the provider; an address that it calls unverified counts for nothing."""
        stranger = Role.NOBODY if self.configured and self.viewers else Role.VIEWER
        email = str(user.get("email") or "").strip().casefold()
        if not (self.configured and user.get("is_logged_in") is True and email):
            return stranger
        if user.get("email_verified", True) is not True:
            return stranger
        if email in self.trainers:
            return Role.TRAINER
        return Role.VIEWER if email in self.viewers else stranger


_caller: Callable[[], Role] | None = None  # None: not shared


def share(caller: Callable[[], Role]) -> None:
    """From now on this process serves others; `caller` says who is asking, a stranger where nobody is known."""
    global _caller
    _caller = caller


def unshare() -> None:
    """The machine is its owner's again."""
    global _caller
    _caller = None


def shared() -> bool:
    """Whether this process serves others."""
    return _caller is not None


def role() -> Role:
    """Of whoever asks now."""
    return Role.OWNER if _caller is None else _caller()


def may(action: Action) -> bool:
    """Whether whoever asks now may do it."""
    return role() >= action.value[0]


def require(action: Action) -> None:
    """Raise UserError where whoever asks now may not do it."""
    needed, what = action.value
    if role() < needed:
        who = "one of its trainers" if needed is Role.TRAINER else "someone it knows"
        raise UserError(f"{what} is off for you on this shared server: sign in as {who}, or run Busana yourself.")


def reaches(path: Path) -> bool:
    """Whether this process may read there: a shared server only its own photos, models and runs, links followed."""
    return not shared() or any(_resolved(path).is_relative_to(root) for root in _roots())


def inside(path: Path) -> Path:
    """`path` as it is; UserError where this process may not read there."""
    if not reaches(path):
        raise UserError("This shared server reads only its own folders: choose one that it lists.")
    return path


def serves_others(address: str | None) -> bool:
    """Whether a server at this address, or with BUSANA_SHARED set, is reached by others than this machine's user."""
    if os.environ.get(SHARED, "").strip().casefold() not in _OFF:
        return True
    return not is_loopback(address or "")


def is_loopback(host: str) -> bool:
    """Whether this name or number, in brackets or not, is that of this machine alone."""
    bare = host.strip().strip("[]").casefold()
    try:
        return ipaddress.ip_address(bare).is_loopback
    except ValueError:
        return bare == "localhost" or bare.endswith(".localhost")


def _roots() -> list[Path]:
    """Where a shared server may read; resolved, since a home may itself be a link."""
    folders = [home() / name for name in ("data", "weights", "runs")]
    return [_resolved(each) for each in (*folders, home() / "examples", APP / "examples", APP / "weights")]


def _resolved(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _addresses(name: str, value: object) -> frozenset[str]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise UserError(f'In the secrets, {name} under [access] is a list of addresses: {name} = ["ann@example.com"].')
    return frozenset(str(each).strip().casefold() for each in value)
