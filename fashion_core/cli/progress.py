"""Progress callbacks as bars on stderr."""

import sys

from tqdm import tqdm


class Bars:
    """Progress callbacks as bars on stderr, one per kind of work; silent for work that ends at once."""

    def __init__(self) -> None:
        self.bar: tqdm | None = None

    def __call__(self, done: int, total: int, what: str) -> None:
        if self.bar is None or self.bar.desc != what:
            self.close()
            self.bar = tqdm(total=total, desc=what, unit="photo", file=sys.stderr, delay=0.5)
            self.bar.desc = what
        self.bar.update(done - self.bar.n)

    def close(self) -> None:
        """End the bar that is open."""
        if self.bar is not None:
            self.bar.close()
