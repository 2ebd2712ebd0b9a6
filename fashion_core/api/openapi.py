"""The API's description, as OpenAPI 3.1."""

from typing import Any

from fashion_core import __version__
from fashion_core.models.answering import Limits

_ANSWER = {
    "type": "object",
    "required": ["path", "top", "state", "error", "warning"],
    "properties": {
        "path": {"type": "string", "description": "The file's name, as it was sent"},
        "top": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"label": {"type": "string"}, "probability": {"type": "number"}},
            },
        },
        "state": {
            "type": ["string", "null"],
            "enum": ["sure", "check", "outside", None],
            "description": "How far the answer can be believed",
        },
        "error": {"type": ["string", "null"], "description": "Why the photo cannot be read"},
        "warning": {"type": ["string", "null"], "description": "In what it is unlike the photos learned"},
    },
}
_REFUSED = {"type": "object", "properties": {"error": {"type": "string"}}}
_STATUSES = {
    400: "No photo, a broken form or a bad `top`",
    401: "The server answers only people it knows",
    403: "Sent by a web page of another site",
    404: "No model of that name",
    413: "Too many bytes or photos",
    415: "Not multipart/form-data",
    429: "Too many photos of one visitor in a minute: Retry-After says when",
    503: "Too many photos are waiting, or no model can be used",
}


def description(limits: Limits) -> dict[str, Any]:
    """Of the server with these limits."""
    fields = {
        "photo": {"type": "string", "format": "binary", "description": f"At most {limits.megabytes} MB and "
                  f"{limits.megapixels} megapixels; repeat the field for several"},
        "model": {"type": "string", "description": "The one that pages open on, where left out"},
        "top": {"type": "integer", "minimum": 1, "maximum": 50, "default": 3},
    }  # fmt: skip
    form = {"schema": {"type": "object", "required": ["photo"], "properties": fields}}
    answers = {
        "200": _response("One object for a photo; for several, one a line", _ANSWER),
        "422": _response("The photo cannot be read: `error` says why", _ANSWER),
        **{str(status): _response(text, _REFUSED) for status, text in _STATUSES.items()},
    }
    predict = {
        "summary": "What a model takes a photo for",
        "requestBody": {"required": True, "content": {"multipart/form-data": form}},
        "responses": answers,
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Busana", "version": __version__, "description": "Apparel photo classifiers"},
        "paths": {"/api/predict": {"post": predict}},
    }


def _response(text: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": schema}}}
