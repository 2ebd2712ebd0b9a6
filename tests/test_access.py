"""Strangers on a shared server look and predict: every action refuses them itself, and no path leads out."""

import io
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from browser import ROOT
from model_folders import plain, write_model
from streamlit.testing.v1 import AppTest

from fashion_core import UserError, access, runs
from fashion_core.access import Role, SignIn
from fashion_core.api import predict
from fashion_core.files import given_path
from fashion_core.models import registry
from fashion_core.models.answering import Busy
from fashion_core.models.publish import Extras, Steps, publish
from fashion_core.photos import dataset, label_corrections, sample, sources
from fashion_core.runs import Run, config
from fashion_core.ui import shared, try_photos

REFUSED = "is off for you on this shared server"


@pytest.fixture(autouse=True)
def mine_again():
    yield
    access.unshare()


@pytest.fixture
def stranger(home: Path) -> Path:
    """The home of a server that a stranger asks."""
    access.share(lambda: Role.VIEWER)
    return home


def refuse_steps() -> Steps:
    def nothing(*anything):
        raise AssertionError("nothing is reached")

    return Steps(nothing, nothing, nothing, nothing, None, nothing)


ACTIONS = {
    "create a run": lambda home: runs.create(config.preset("quick"), home / "data"),
    "launch a run": lambda home: runs.launch(Run(home / "runs" / "one")),
    "stop a run": lambda home: Run(home / "runs" / "one").stop(),
    "amend a run": lambda home: Run(home / "runs" / "one").amended({"learning_rate": 0.1}),
    "move a run's photos": lambda home: Run(home / "runs" / "one").move_photos(home / "data"),
    "decide on a label": lambda home: label_corrections.record(home / "d.csv", "a.jpg", "keep", "red_shirt"),
    "decide on several labels": lambda home: label_corrections.record_all(home / "d.csv", [("a.jpg", "leave out", "")]),
    "import decisions": lambda home: label_corrections.merge(home / "d.csv", {"a.jpg": "red_shirt"}),
    "take a folder": lambda home: sources.take(home, home / "data" / "new"),
    "download photos": lambda home: sources.fetch("clothing", home / "data" / "new"),
    "draw the sample set": lambda home: sample.ensure(),
    "publish a model": lambda home: publish(Run(home / "runs" / "one"), "mine", refuse_steps(), Extras()),
}


@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_refuses_a_stranger_and_leaves_nothing_behind(action, stranger):
    with pytest.raises(UserError, match=REFUSED):
        ACTIONS[action](stranger)
    assert list(stranger.iterdir()) == []


def test_a_trainer_may_decide_and_so_may_anyone_at_home(home):
    access.share(lambda: Role.TRAINER)
    label_corrections.record(home / "d.csv", "a.jpg", "keep", "red_shirt")
    access.unshare()
    label_corrections.record(home / "d.csv", "b.jpg", "keep", "red_shirt")
    assert set(label_corrections.read(home / "d.csv")) == {"a.jpg", "b.jpg"}


@pytest.mark.parametrize("role", [Role.VIEWER, Role.TRAINER])
def test_no_path_leads_out_of_a_shared_server(role, home, tmp_path):
    outside, photos = tmp_path / "private", home / "data" / "photos"
    (outside / "red_shirt").mkdir(parents=True)
    photos.mkdir(parents=True)
    (photos / "away").symlink_to(outside)
    access.share(lambda: role)
    ways = [outside, photos / "away", photos / ".." / ".." / ".." / "private", Path("/etc"), Path("~"), Path("/")]
    for way in ways:
        for reach in (given_path, dataset.load, lambda path: runs.create(config.preset("quick"), path)):
            with pytest.raises(UserError, match=r"reads only its own folders|" + REFUSED):
                reach(way)
    assert given_path(photos) == photos
    with pytest.raises(UserError, match="reads only its own folders"):
        sources.take(outside, home / "data" / "taken") if role is Role.TRAINER else given_path(outside)


@pytest.mark.parametrize("name", ["../../elsewhere", "/elsewhere", "weights/../../elsewhere"])
def test_no_name_of_a_model_or_run_leads_out(name, home, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (home / "weights").mkdir()
    (home / "runs").mkdir()
    for file in ("card.json", "config.json"):
        (elsewhere / file).write_text("{}")
    monkeypatch.chdir(home)
    name = name.replace("/elsewhere", str(elsewhere)) if name.startswith("/") else name
    assert registry.resolve(name).is_dir() and runs.get(name).folder.is_dir(), "at home it is found"
    access.share(lambda: Role.TRAINER)
    for find in (registry.resolve, runs.get):
        with pytest.raises(UserError, match="reads only its own folders"):
            find(name)


@pytest.mark.parametrize("setting", ["teacher", "extra", "pretrained", "decisions"])
def test_no_setting_of_a_trainer_leads_out(setting, home, tmp_path):
    (home / "data" / "photos").mkdir(parents=True)
    access.share(lambda: Role.TRAINER)
    with pytest.raises(UserError, match="shared server"):
        runs.create(config.preset("quick").changed({setting: str(tmp_path / "other")}), home / "data" / "photos")
    assert not (home / "runs").exists()


@pytest.mark.parametrize(
    ("address", "variable", "others"),
    [
        ("127.0.0.1", None, False), ("localhost", "0", False), ("::1", "", False), ("127.0.0.1", "1", True),
        ("0.0.0.0", None, True), (None, None, True), ("", "0", True), ("192.168.1.7", "no", True), ("::", None, True),
        ("localhost.example.com", None, True), ("unix:///run/busana.sock", None, True),
    ],
)  # fmt: skip
def test_only_a_server_on_this_machine_alone_is_not_shared(address, variable, others, monkeypatch):
    monkeypatch.delenv(access.SHARED, raising=False)
    if variable is not None:
        monkeypatch.setenv(access.SHARED, variable)
    assert access.serves_others(address) is others


ANN, BOB, CAT = ({"is_logged_in": True, "email": f"{name}@Example.com"} for name in ("ann", "bob", "cat"))


@pytest.mark.parametrize(
    ("lists", "user", "role"),
    [
        ({"trainers": ["ann@example.com"]}, {}, Role.VIEWER),
        ({"trainers": ["ann@example.com"]}, ANN, Role.TRAINER),
        ({"trainers": ["ann@example.com"]}, BOB, Role.VIEWER),
        ({"trainers": ["ann@example.com"], "viewers": ["bob@example.com"]}, {}, Role.NOBODY),
        ({"trainers": ["ann@example.com"], "viewers": ["bob@example.com"]}, BOB, Role.VIEWER),
        ({"trainers": ["ann@example.com"], "viewers": ["bob@example.com"]}, CAT, Role.NOBODY),
        ({"trainers": ["ann@example.com"]}, ANN | {"is_logged_in": False}, Role.VIEWER),
        ({"trainers": ["ann@example.com"]}, ANN | {"email_verified": False}, Role.VIEWER),
        ({"trainers": ["ann@example.com"]}, ANN | {"email_verified": "false"}, Role.VIEWER),
        ({"trainers": [""]}, ANN | {"email": ""}, Role.VIEWER),
    ],
)
def test_the_lists_say_who_trains_and_who_looks(lists, user, role):
    assert SignIn.read({"client_id": "x"}, lists).role(user) is role
    assert SignIn.read({}, lists).role(user) is Role.VIEWER, "without a provider nobody's word is taken"


def test_a_list_that_is_none_is_refused():
    with pytest.raises(UserError, match="trainers under"):
        SignIn.read({"client_id": "x"}, {"trainers": "ann@example.com"})


@pytest.fixture
def shared_server(home, monkeypatch) -> Path:
    monkeypatch.setenv(access.SHARED, "1")
    return home


ROUTER = ROOT / "fashion_core/ui/router.py"


@pytest.mark.parametrize("name", ["data", "train", "catalogue"])
def test_a_page_one_may_not_use_ends_at_its_title_when_run_alone(name, shared_server):
    app = AppTest.from_file(ROOT / f"pages/{name}.py", default_timeout=60).run()
    assert not app.exception and [REFUSED in each.value for each in app.error] == [True]
    assert not app.title and not app.text_input and not app.button


def test_the_router_of_a_shared_server_has_no_data_no_train_and_no_catalogue(shared_server):
    app = AppTest.from_file(ROUTER, default_timeout=60).run()
    assert not app.exception and app.title
    for name in ("data", "train", "catalogue"):
        with pytest.raises((ValueError, KeyError, RuntimeError)):
            app.switch_page(f"../../pages/{name}.py").run()
            raise ValueError if REFUSED in " ".join(each.value for each in app.error) else AssertionError(name)


@pytest.mark.parametrize("name", ["home", "evaluate", "compare", "predict"])
def test_pages_to_look_at_open_on_a_shared_server(name, shared_server):
    app = AppTest.from_file(ROOT / f"pages/{name}.py", default_timeout=60).run()
    assert not app.exception and app.title


SECRETS = {"auth": {"client_id": "x", "cookie_secret": "y" * 32, "redirect_uri": "http://localhost/oauth2callback"}}


def test_a_trainer_who_signed_in_has_the_train_page(shared_server):
    app = AppTest.from_file(ROOT / "pages/train.py", default_timeout=60)
    app.secrets.update(SECRETS | {"access": {"trainers": ["ann@example.com"]}})
    app.user = dict(ANN)
    app.run()
    assert [each.value for each in app.title] == ["Train"] and not app.error
    app.user = dict(BOB)
    app.run()
    assert not app.title and REFUSED in app.error[0].value


def test_with_viewers_named_a_stranger_sees_only_the_door(shared_server):
    app = AppTest.from_file(ROUTER, default_timeout=60)
    app.secrets.update(SECRETS | {"access": {"viewers": ["bob@example.com"]}})
    app.user = {"is_logged_in": False}
    app.run()
    assert not app.exception
    assert [each.value for each in app.title] == ["Sign in"] and [each.label for each in app.button] == ["Sign in"]


@pytest.fixture
def drop(shared_server):
    """What a stranger does: `drop(name=colour, …)` on Predict, with a model that knows the colours."""
    write_model(shared_server / "weights" / "colours")
    app = AppTest.from_file(ROOT / "pages/predict.py", default_timeout=120).run()

    def dropped(**colours: str) -> AppTest:
        photos = []
        for name, colour in colours.items():
            out = io.BytesIO()
            plain(colour).save(out, "PNG")
            photos.append((f"{name}.png", out.getvalue(), "image/png"))
        app.file_uploader[0].set_value(photos)
        return app.run()

    yield dropped
    predict.answers().worker.close()
    predict.answers.cache_clear()


def progress(app: AppTest) -> str:
    return " ".join(str(each.proto) for each in app.get("progress")).casefold()


def test_a_strangers_photo_on_the_page_is_answered_by_the_process_of_its_own(drop):
    app = drop(a="blue")
    assert not app.exception and not app.error
    assert "blue" in progress(app)
    assert predict.answers().worker.running, "it was asked"


def test_where_the_server_is_too_busy_the_page_says_so_and_goes_on_from_there(drop, monkeypatch):
    ask, asked = predict.answers().ask, []

    def busy_at_the_second(question, *rest, **options):
        asked.append(question.data)
        if len(asked) == 2:
            raise Busy("The server is too busy to read the photo: try again in a minute.", 60)
        return ask(question, *rest, **options)

    monkeypatch.setattr(predict.answers(), "ask", busy_at_the_second)
    app = drop(a="blue", b="red", c="green")
    assert [each.value for each in app.warning] == ["The server is too busy to read the photo: try again in a minute."]
    assert not app.exception and not app.error and "blue" in progress(app)
    next(each for each in app.button if each.label == "Try again").click().run()
    assert not app.warning and not app.exception
    assert len(set(asked)) == 3 and len(asked) == 4, "what was answered is not asked again"


def test_a_photo_is_asked_once_even_where_its_page_was_left_meanwhile(drop, monkeypatch):
    """Streamlit ends a page, for its next run, where it draws."""
    asked, place = [], SimpleNamespace(caption=lambda text: None, empty=lambda: (_ for _ in ()).throw(RuntimeError))
    keep = {"top": [], "error": "empty file", "state": None, "warning": None}
    monkeypatch.setattr(shared.st, "empty", lambda: place)
    monkeypatch.setattr(predict.answers(), "ask", lambda *rest, **more: (asked.append(rest), (keep, b""))[1])
    for _ in range(2):
        app = drop(a="blue")
    assert len(asked) == 1 and app.error and not app.exception


def test_more_photos_than_are_kept_are_refused_in_a_sentence(drop, monkeypatch):
    monkeypatch.setattr(try_photos, "MOST_KEPT", 2)
    app = drop(a="blue", b="red", c="green")
    assert [each.value for each in app.error] == ["At most 2 photos are read at a time here: drop fewer."]


def test_a_worker_that_a_trainer_starts_is_the_owners(monkeypatch, home):
    monkeypatch.setenv(access.SHARED, "1")
    assert not access.shared(), "the variable alone shares nothing: the command line stays the owner's"
    assert os.environ[access.SHARED] == "1"
