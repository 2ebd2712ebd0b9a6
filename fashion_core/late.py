"""A module that is imported when something of it is first used: pandas takes as long as all else that an answer loads.

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = Late("pandas")
"""

from importlib import import_module
from typing import Any


class Late:
    """Stands for the module `name`; annotations with it are to be strings, which ask it for nothing."""

    def __init__(self, name: str):
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(import_module(self._name), attribute)
