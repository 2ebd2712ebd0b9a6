"""What the server did, as counters in Prometheus' text form: no names, no addresses, no photos."""

import hashlib
import os
import secrets
import threading
import time
from collections import Counter

WANTED = "BUSANA_METRICS"  # set to 1 to have them at /metrics
_SALT = secrets.token_bytes(16)  # of this process: who is who cannot be told from another day's log


def visitor(address: str) -> str:
    """A visitor's network address as eight signs that lead nowhere."""
    return hashlib.blake2b(address.encode(), key=_SALT, digest_size=4).hexdigest()


def wanted() -> bool:
    return os.environ.get(WANTED, "") == "1"


class Figures:
    """Counted since the start; any thread may add."""

    def __init__(self) -> None:
        self._answers: Counter[int] = Counter()  # by status
        self._seconds, self._visitors = 0.0, set[str]()
        self._since, self._lock = time.time(), threading.Lock()

    def add(self, status: int, seconds: float, who: str) -> None:
        with self._lock:
            self._answers[status] += 1
            self._seconds += seconds
            if len(self._visitors) < 100_000:
                self._visitors.add(who)

    def text(self, waiting: int) -> str:
        """All of them, with how many photos are `waiting` now."""
        with self._lock:
            answers = [
                f'busana_predictions_total{{status="{status}"}} {n}' for status, n in sorted(self._answers.items())
            ]
            lines = [
                "# TYPE busana_predictions_total counter", *answers,
                "# TYPE busana_prediction_seconds summary",
                f"busana_prediction_seconds_sum {self._seconds:.3f}",
                f"busana_prediction_seconds_count {sum(self._answers.values())}",
                "# TYPE busana_visitors gauge", f"busana_visitors {len(self._visitors)}",
                "# TYPE busana_waiting gauge", f"busana_waiting {waiting}",
                "# TYPE busana_start_time_seconds gauge", f"busana_start_time_seconds {self._since:.0f}",
            ]  # fmt: skip
        return "\n".join(lines) + "\n"
