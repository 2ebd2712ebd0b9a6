"""A model's card: card.json in its folder."""

import json
from pathlib import Path
from typing import Any

from fashion_core import UserError
from fashion_core.photos import imaging


def read_card(folder: Path) -> dict[str, Any]:
    """The model's card.json, with the keys that predicting needs checked; UserError names what is wrong."""
    file = folder / "card.json"
    try:
        card = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        raise UserError(f"{imaging.printable(file)} is missing: train or publish the model again.") from None
    except (OSError, ValueError) as error:
        raise UserError(
            f"{imaging.printable(file)} cannot be read ({error}): train or publish the model again."
        ) from None
    if problem := _card_problem(card):
        raise UserError(f"{imaging.printable(file)} {problem}: train or publish the model again.")
    return card


def _card_problem(card: Any) -> str | None:
    if not isinstance(card, dict) or not isinstance(card.get("classes"), list) or len(card["classes"]) < 2:
        return "names no classes"
    if not isinstance(card.get("image_size"), int) or card["image_size"] < 1:
        return "has no image_size"
    if not isinstance(card.get("temperature"), int | float) or not card["temperature"] > 0:
        return "has no temperature"
    return None
