"""Only this machine reaches the app, and the app sends nothing about anyone."""

import tomllib

import pytest
from browser import ROOT

SETTINGS = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())


@pytest.mark.parametrize(
    ("section", "name", "value"),
    [
        ("server", "address", "127.0.0.1"),  # unset, or 0.0.0.0, would open it to the whole network
        ("server", "enableXsrfProtection", True),
        ("server", "enableCORS", True),
        ("browser", "gatherUsageStats", False),
        ("client", "showErrorDetails", "none"),  # a traceback names folders and people
        ("client", "showErrorLinks", False),  # the notice would go to a search engine
        ("client", "toolbarMode", "minimal"),
    ],
)
def test_the_safe_settings_are_set(section, name, value):
    assert SETTINGS[section][name] == value


def test_an_upload_is_bounded_and_no_setting_opens_another_way_in():
    assert 0 < SETTINGS["server"]["maxUploadSize"] <= 200
    allowed = {"address", "maxUploadSize", "enableXsrfProtection", "enableCORS", "showEmailPrompt"}
    assert set(SETTINGS["server"]) <= allowed, "a new setting of the server: say here that it is safe"
    assert "serverAddress" not in SETTINGS["browser"]
    assert not {"fontFaces", "font"} & set(SETTINGS["theme"]), "fonts would be fetched from elsewhere"


def test_streamlit_knows_every_setting():
    from streamlit import config

    known = config._config_options_template
    found = [f"{section}.{name}" for section, values in SETTINGS.items() for name in flat(values)]
    assert [name for name in found if name not in known] == []


def flat(values: dict) -> list[str]:
    """Names of settings, those of a section within as "light.primaryColor"."""
    names = []
    for name, value in values.items():
        names += [f"{name}.{inner}" for inner in flat(value)] if isinstance(value, dict) else [name]
    return names
