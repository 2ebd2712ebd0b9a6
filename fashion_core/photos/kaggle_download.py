"""Download a data set with kagglehub, in a process of its own; started by `sources`.

    python -P fashion_core/photos/kaggle_download.py OWNER/NAME

kagglehub tells how far it is only through a progress bar, and takes no other one: the module's must be replaced. Here
that changes nothing for others. Every line of the output is JSON: `{"done":…, "total":…}` in bytes, at last
`{"folder":…}` or `{"error":…, "status":…}`, the site's HTTP status or null.
"""

import json
import sys
from contextlib import redirect_stdout
from typing import Any


def main(handle: str) -> None:
    out = sys.stdout

    def tell(**line: Any) -> None:
        print(json.dumps(line), file=out, flush=True)

    with redirect_stdout(sys.stderr):  # what kagglehub prints is not ours
        try:
            import kagglehub
            from kagglehub import clients

            class Bar(clients.tqdm):
                def update(self, n: float | None = 1) -> bool | None:
                    shown = super().update(n)
                    tell(done=int(self.n), total=int(self.total or 0))
                    return shown

            clients.tqdm = Bar
            tell(folder=str(kagglehub.dataset_download(handle)))
        except ModuleNotFoundError:
            tell(error='kagglehub is missing: it comes with the extra "train"', status=None)
        except Exception as error:  # its own types, requests' and more: `sources` makes one sentence of them
            status = getattr(getattr(error, "response", None), "status_code", None)
            tell(error=str(error) or type(error).__name__, status=status)


if __name__ == "__main__":
    main(sys.argv[1])
