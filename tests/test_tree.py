"""The README's tree of files: it names every file that is there, and none that is not."""

import re

import pytest
from browser import ROOT
from project_files import tracked_files

# Folders whose single line stands for all that they hold; everything else is named file by file.
CLOSED = ("docs/images/", "examples/", "weights/")


def tree(readme: str) -> list[str]:
    """The paths under the heading "The tree", a folder with its slash.

    A line is a name, two spaces or more, a description; two spaces of indentation are one folder deeper. A line whose
    first words stand apart by single spaces is a caption. `runs/<id>/` and its kin are patterns, kept as they are.
    """
    block = re.search(r"^## The tree\n.*?^```\w*\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    assert block, 'the README has a heading "## The tree" with a ``` block under it'
    paths, folders = [], []
    for indent, name in re.findall(r"^( *)(\S+)(?:$|  +\S)", block[1], re.MULTILINE):
        folders = folders[: len(indent) // 2]
        paths.append("".join([*folders, name]))
        if name.endswith("/"):
            folders.append(name)
    return paths


def lies(paths: list[str], tracked: list[str]) -> list[str]:
    """What is wrong with the tree `paths`, one sentence each, when git tracks the files `tracked`."""
    named = {path for path in paths if "<" not in path}
    folders = {path[: i + 1] for path in tracked for i, sign in enumerate(path) if sign == "/"}
    wrong = [f"{path} is named and does not exist" for path in sorted(named - folders - set(tracked))]
    wrong += [f"{path} is named twice" for path in sorted({path for path in paths if paths.count(path) > 1})]
    unnamed = sorted(set(tracked) - named)
    return wrong + [f"{path} is not named" for path in unnamed if not path.startswith(CLOSED)]


def test_the_readme_names_every_file_and_no_other():
    assert lies(tree((ROOT / "README.md").read_text()), tracked_files()) == []


README = """# A house

## The tree
```
app.py                  the door
pages/                  one page is one story
  ground floor: no torch
  home.py               where to go next
core/
  ui/                   shared
    boot.py
  paper.py              facts
docs/images/            pictures
weights/<name>/         a model
```
"""
HOUSE = ["app.py", "pages/home.py", "core/ui/boot.py", "core/paper.py", "docs/images/a.png"]


def test_a_tree_is_read_with_its_folders():
    assert tree(README) == [
        "app.py", "pages/", "pages/home.py", "core/", "core/ui/", "core/ui/boot.py", "core/paper.py",
        "docs/images/", "weights/<name>/",
    ]  # fmt: skip
    assert lies(tree(README), HOUSE) == []


@pytest.mark.parametrize(
    ("tracked", "lie"),
    [
        ([*HOUSE, "pages/train.py"], "pages/train.py is not named"),
        ([*HOUSE, "LICENSE"], "LICENSE is not named"),
        ([file for file in HOUSE if file != "core/ui/boot.py"], "core/ui/boot.py is named and does not exist"),
    ],
)
def test_a_lie_is_seen(tracked, lie):
    assert lie in lies(tree(README), tracked)


def test_a_readme_without_a_tree_fails():
    with pytest.raises(AssertionError, match="The tree"):
        tree("# A house\n")
