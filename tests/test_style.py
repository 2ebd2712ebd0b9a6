"""The limits that keep the house readable: no function over 40 lines, no file over 400, a page is one story,
percentages are written in one way."""

import ast
import re

import pytest
from browser import ROOT

LONGEST_FUNCTION, LONGEST_FILE = 40, 400
DRAWING = "fashion_core/photos/sample/"  # garments are long lists of points
CODE = [
    path.relative_to(ROOT).as_posix()
    for folder in ("fashion_core", "pages", "bench")
    for path in sorted((ROOT / folder).rglob("*.py"))
]

PROSE = [
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/*.md", "examples/*.md", "weights/*.md", "weights/*/*.md")
    for path in sorted(ROOT.glob(pattern))
]


def too_long(source: str) -> list[str]:
    """The functions of `source` that have more lines than LONGEST_FUNCTION, its docstring among them."""
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    return [each.name for each in functions if each.end_lineno - each.lineno + 1 > LONGEST_FUNCTION]


@pytest.mark.parametrize("file", CODE)
def test_functions_and_files_stay_short(file):
    source = (ROOT / file).read_text("utf-8")
    assert too_long(source) == []
    assert len(source.splitlines()) <= LONGEST_FILE or file.startswith(DRAWING)


def test_a_long_function_is_seen():
    lines = "\n".join(f"    {number}" for number in range(LONGEST_FUNCTION))
    assert too_long(f"def short():\n    pass\n\n\ndef long():\n{lines}\n") == ["long"]


@pytest.mark.parametrize("file", PROSE)
def test_prose_writes_percentages_in_one_way(file):
    assert not re.findall(r"\d\s%.*", (ROOT / file).read_text("utf-8"))


@pytest.mark.parametrize("file", CODE)
def test_words_of_the_code_write_percentages_in_one_way(file):
    """97.2%, never 97.2 %; in an f-string too, where the number is another piece."""
    nodes = ast.walk(ast.parse((ROOT / file).read_text("utf-8")))
    texts = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    assert not [text for text in texts if re.search(r"(?:[\d}]|^)\s%(?!\})", text)]


@pytest.mark.parametrize("page", sorted(path.name for path in (ROOT / "pages").glob("*.py")))
def test_a_page_is_one_story(page):
    most = 80 if page == "evaluate.py" else 130
    assert len((ROOT / "pages" / page).read_text("utf-8").splitlines()) < most


@pytest.mark.parametrize("file", sorted(path.name for path in (ROOT / "tests").glob("test_*.py")))
def test_tests_share_through_modules_that_are_no_tests(file):
    tree = ast.parse((ROOT / "tests" / file).read_text("utf-8"))
    modules = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert [module for module in modules if module.startswith("test_")] == []
