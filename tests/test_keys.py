"""Every key of the session and of the address comes from ui/keys.py, and one module writes it."""

import ast
from collections import defaultdict

import pytest
from browser import ROOT

KEYS = "fashion_core/ui/keys.py"
FILES = [
    file
    for room in ("fashion_core/ui", "pages")
    for path in sorted((ROOT / room).rglob("*.py"))
    if (file := path.relative_to(ROOT).as_posix()) != KEYS
]
STATES, METHODS = ("session_state", "query_params"), ("get", "pop", "setdefault", "update")
ORDERS = ("max", "min", "sorted")  # whose `key` is another thing


def is_state(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr in STATES


def used(tree: ast.AST) -> list[tuple[ast.expr, bool]]:
    """Every expression in `tree` that is a key, and whether it is written there other than by its widget."""
    found: list[tuple[ast.expr, bool]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if ast.unparse(node.func) not in ORDERS:
                found += [(keyword.value, False) for keyword in node.keywords if keyword.arg == "key"]
            method = node.func
            if isinstance(method, ast.Attribute) and method.attr in METHODS and is_state(method.value):
                found += [(argument, method.attr != "get") for argument in node.args[:1]]
        elif isinstance(node, ast.Subscript) and is_state(node.value):
            found.append((node.slice, not isinstance(node.ctx, ast.Load)))
        elif isinstance(node, ast.Attribute) and is_state(node.value) and node.attr not in (*METHODS, "from_dict"):
            found.append((ast.Constant(node.attr), not isinstance(node.ctx, ast.Load)))  # st.session_state.mine
        elif isinstance(node, ast.Compare) and any(map(is_state, node.comparators)):
            found.append((node.left, False))
    return found


def from_keys(tree: ast.AST) -> set[str]:
    """The names that stand for a key: parameters, and what is made of `keys.…` alone."""
    names = {argument.arg for node in ast.walk(tree) if isinstance(node, ast.arguments)
             for argument in (*node.args, *node.kwonlyargs)}  # fmt: skip
    for node in ast.walk(tree):
        pairs: list[tuple[ast.expr, ast.expr]] = []
        if isinstance(node, ast.Assign):
            pairs = [(node.targets[0], node.value)]
        elif isinstance(node, ast.For):
            pairs = [(node.target, node.iter)]
        for target, value in pairs:
            values = value.elts if isinstance(value, ast.Tuple) else [value]
            targets = target.elts if isinstance(target, ast.Tuple) else [target]
            for one, other in zip(targets, values, strict=False):
                if isinstance(one, ast.Name) and name_of(other).startswith("keys."):
                    names.add(one.id)
    return names


def name_of(node: ast.AST) -> str:
    """keys.TRUE or keys.tile(…) as written, and "" for anything else; of a tuple, its first."""
    if isinstance(node, ast.Tuple):
        return name_of(node.elts[0])
    if isinstance(node, ast.Call):
        node = node.func
    return ast.unparse(node) if isinstance(node, ast.Attribute) else ""


def strangers(source: str) -> list[str]:
    """The keys in `source` that do not come from the module."""
    tree = ast.parse(source)
    known = from_keys(tree)
    return [
        ast.unparse(node)
        for node, _ in used(tree)
        if not (isinstance(node, ast.Name) and node.id in known) and not name_of(node).startswith("keys.")
        and ast.unparse(node) not in known
    ]  # fmt: skip


@pytest.mark.parametrize("file", FILES)
def test_every_key_comes_from_one_module(file):
    assert strangers((ROOT / file).read_text()) == []


def test_each_key_has_one_writer():
    writers = defaultdict(set)
    for file in FILES:
        for node, written in used(ast.parse((ROOT / file).read_text())):
            if written and name_of(node):
                writers[ast.unparse(node)].add(file)  # of keys.page_number(…) with the gallery
    assert writers, "some are written"
    assert {name: files for name, files in writers.items() if len(files) > 1} == {}


def test_the_module_of_keys_imports_nothing_of_ui():
    tree = ast.parse((ROOT / KEYS).read_text())
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]


@pytest.mark.parametrize(
    "source",
    [
        'st.button("x", key="mine")',
        'st.button("x", key=f"mine-{place}")',
        'st.session_state["mine"] = 1',
        "st.session_state.mine = 1",
        'st.session_state.get("mine")',
        'st.query_params.pop("mine", None)',
        'if "mine" in st.session_state: pass',
        'name = "mine"\nst.button("x", key=name)',
    ],
)
def test_a_key_of_ones_own_is_seen(source):
    assert strangers(source)
