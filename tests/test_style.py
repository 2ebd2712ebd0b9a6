"""The limits that keep the house readable: no function over 40 lines, no file over 400, a page is one story."""

import ast

import pytest
from browser import ROOT

LONGEST_FUNCTION, LONGEST_FILE = 40, 400
DRAWING = "fashion_core/photos/sample/"  # garments are long lists of points
CODE = [
    path.relative_to(ROOT).as_posix()
    for folder in ("fashion_core", "pages", "bench")
    for path in sorted((ROOT / folder).rglob("*.py"))
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


@pytest.mark.parametrize("page", sorted(path.name for path in (ROOT / "pages").glob("*.py")))
def test_a_page_is_one_story(page):
    most = 80 if page == "evaluate.py" else 130
    assert len((ROOT / "pages" / page).read_text("utf-8").splitlines()) < most


@pytest.mark.parametrize("file", sorted(path.name for path in (ROOT / "tests").glob("test_*.py")))
def test_tests_share_through_modules_that_are_no_tests(file):
    tree = ast.parse((ROOT / "tests" / file).read_text("utf-8"))
    modules = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert [module for module in modules if module.startswith("test_")] == []
