"""The API beside the pages: answers as `predict --json`, one sentence and the right status for every refusal."""

import io
import json
import logging

import pytest
from browser import ROOT
from model_folders import plain, write_model
from starlette.applications import Starlette
from starlette.testclient import TestClient

from fashion_core import access
from fashion_core.access import Role
from fashion_core.api import predict
from fashion_core.api.routes import MIDDLEWARE, ROUTES
from fashion_core.models.answering import Answers, Limits, Rate

HERE = "http://localhost"


def photo(colour: str = "red") -> bytes:
    out = io.BytesIO()
    plain(colour).save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def client(home, monkeypatch):
    write_model(home / "weights" / "colours")
    answers = Answers(Limits(megabytes=1, seconds=20))
    monkeypatch.setattr(predict, "answers", lambda: answers)
    yield TestClient(Starlette(routes=ROUTES, middleware=MIDDLEWARE), HERE)
    answers.worker.close()
    access.unshare()


def test_a_photo_is_answered_and_so_are_several(client):
    one = client.post("/api/predict", files={"photo": ("a.png", photo("blue"))}, data={"top": "1"})
    assert one.status_code == 200
    assert one.json()["path"] == "a.png" and [t["label"] for t in one.json()["top"]] == ["blue_shirt"]
    assert set(one.json()) == {"path", "top", "state", "error", "warning"}
    files = [("photo", ("a.png", photo("green"))), ("photo", ("b.txt", b"no photo"))]
    lines = [json.loads(line) for line in client.post("/api/predict", files=files).text.splitlines()]
    assert [line["error"] for line in lines] == [None, "not a photo: text"]


@pytest.mark.parametrize(
    ("status", "sentence", "asked"),
    [
        (400, "There is no photo", {"data": {"top": "3"}, "files": {"other": b"x"}}),
        (400, "top is a whole number from 1 to 50", {"files": {"photo": b"x"}, "data": {"top": "-1"}}),
        (400, "top is a whole number from 1 to 50", {"files": {"photo": b"x"}, "data": {"top": "9" * 5000}}),
        (400, "top is a whole number from 1 to 50", {"files": {"photo": b"x"}, "data": {"top": "0001" + "9" * 5000}}),
        (400, "The form cannot be read", {"content": b"x", "headers": {"content-type": "multipart/form-data"}}),
        (403, "A web page of another site", {"files": {"photo": b"x"}, "headers": {"origin": "http://evil.example"}}),
        (404, "There is no model of that name", {"files": {"photo": b"x"}, "data": {"model": "../../etc"}}),
        (413, "The photos are larger than 1 MB", {"files": {"photo": bytes(2 << 20)}}),
        (413, "At most 8 photos", {"files": [("photo", (f"{n}.png", b"x")) for n in range(9)]}),
        (415, "Send the photo as multipart/form-data", {"content": b"x"}),
        (422, "not a photo: text", {"files": {"photo": b"x"}}),
    ],
)
def test_every_refusal_is_one_sentence_with_its_status(status, sentence, asked, client):
    answer = client.post("/api/predict", **asked)
    assert answer.status_code == status
    assert answer.json()["error"].startswith(sentence)


def test_a_body_that_hides_its_length_is_bounded_too(client):
    def endless():
        yield b'--b\r\nContent-Disposition: form-data; name="photo"; filename="a"\r\n\r\n'
        for _ in range(40):
            yield bytes(1 << 16)

    headers = {"content-type": "multipart/form-data; boundary=b"}
    assert client.post("/api/predict", content=endless(), headers=headers).status_code == 413


def test_who_asks_too_often_is_told_when_to_come_back(client, monkeypatch):
    answers = Answers(Limits(at_once=1, per_minute=6))
    answers.rate = Rate(answers.limits, lambda: 0.0)  # however long the first answer takes
    monkeypatch.setattr(predict, "answers", lambda: answers)
    codes = [client.post("/api/predict", files={"photo": b"x"}) for _ in range(2)]
    answers.worker.close()
    assert [code.status_code for code in codes] == [422, 429]
    assert int(codes[1].headers["retry-after"]) == 10 and "try again" in codes[1].json()["error"]


def test_a_server_for_people_it_knows_answers_no_stranger(client):
    access.share(lambda: Role.NOBODY)
    assert client.post("/api/predict", files={"photo": photo()}).status_code == 401


def test_health_readiness_and_figures(client, home, monkeypatch):
    assert client.get("/healthz").text == "ok\n" and client.get("/readyz").status_code == 200
    assert client.get("/metrics").status_code == 404, "off unless it is wanted"
    monkeypatch.setenv("BUSANA_METRICS", "1")
    client.post("/api/predict", files={"photo": b"x"})
    assert 'busana_predictions_total{status="422"} ' in client.get("/metrics").text
    for file in (home / "weights" / "colours").iterdir():
        file.unlink()
    assert client.get("/readyz").status_code == 503


def test_the_description_names_every_status_that_is_answered(client):
    found = client.get("/api/openapi.json").json()
    source = (ROOT / "fashion_core/api/predict.py").read_text()
    answers = found["paths"]["/api/predict"]["post"]["responses"]
    assert all(f"Refused({status}," in source or f"else {status}" in source or status in ("200", "422", "429")
               for status in answers)  # fmt: skip
    assert set(answers) == {"200", "400", "401", "403", "404", "413", "415", "422", "429", "503"}


def test_every_answer_has_safe_headers(client):
    for path in ("/healthz", "/nothing-here"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "same-origin"
        assert "frame-ancestors 'self'" in headers["content-security-policy"]
        assert "object-src 'none'" in headers["content-security-policy"]


def test_only_whom_the_owner_names_may_frame_the_app(client, monkeypatch):
    monkeypatch.setenv("BUSANA_EMBED", "https://huggingface.co https://*.hf.space")
    assert "frame-ancestors 'self' https://huggingface.co https://*.hf.space" in client.get("/healthz").headers[
        "content-security-policy"]  # fmt: skip


def test_at_home_no_other_name_is_answered(client):
    answer = client.get("/healthz", headers={"host": "rebound.example:8501"})
    assert answer.status_code == 403 and answer.text.startswith("This server answers its own machine only")
    access.share(lambda: Role.VIEWER)
    assert client.get("/healthz", headers={"host": "demo.example"}).status_code == 200


def test_a_line_of_the_log_names_no_one_and_no_photo(client, caplog):
    with caplog.at_level(logging.INFO, "busana.api"):
        client.post("/api/predict", files={"photo": ("private-name.png", photo())})
    (line,) = [record.getMessage() for record in caplog.records if record.name == "busana.api"]
    assert line.startswith("predict visitor=") and "status=200" in line
    assert "private" not in line and "testclient" not in line
