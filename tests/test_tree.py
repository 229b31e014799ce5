"What must hold of the tree as a whole: import order, parameters that papermill lists, README in step with its page."
import json, re, subprocess, sys
from pathlib import Path
import pytest
from skinnb.study import page_parameters, pages

book = pages().set_index("page")

def test_import_order():
    "A page imports only from pages before it; a paper's page never from another paper. What compares papers may."
    place = {m: (i, paper) for i, (m, paper) in enumerate(zip(book.module, book.paper))}
    wrong = [f"{page} imports {m}" for i, (page, row) in enumerate(book.iterrows()) for m in row.imports
             if place[m][0] >= i or row.paper != "across" and place[m][1] not in (None, row.paper)]
    assert not wrong

def test_import_order_sees_a_fault():
    "The frame behind the check above really holds the imports."
    assert {"study", "stats", "train"} <= set(book.imports["melanoma_ddpm/01_classify"])

@pytest.mark.parametrize("page", [p for p in book.index if p != "index"])
def test_every_parameter_is_listed(page):
    "papermill --help-notebook shows each line of the tagged cell, with its help."
    declared = page_parameters(page)
    if not declared: assert book.paper[page] is None, "a paper's page has parameters"; return
    said = subprocess.run([sys.executable, "-m", "papermill", "--help-notebook", f"nbs/{page}.ipynb"], capture_output=True, text=True).stdout
    for name, (kind, default) in declared.items():
        line = re.search(rf"^\s+{name}: {kind} \(default .*?\)\s+(\S.*)$", said, re.M)
        assert line and not re.match(r"\w+: \w+ \(default", line[1]), f"{page}: {name}: {kind} is not listed with its help"

def test_readme_is_index():
    "README.md is what the index page renders to."
    made = subprocess.run([sys.executable, "tools/readme.py", "--check"], capture_output=True, text=True)
    assert made.returncode == 0, made.stdout + made.stderr

def test_no_machine_in_the_tree():
    "No absolute path of a machine and no package index's address in what git tracks."
    files = subprocess.run(["git", "ls-files"], capture_output=True, text=True, check=True).stdout.split("\n")
    bad = re.compile(r"/(root|work|farm|home)/|" + "py" + r"pi\.org|python" + r"hosted\.org|npm" + r"js\.(org|com)")
    text = [f for f in files if Path(f).exists() and Path(f).suffix not in {".png", ".ico", ""} and Path(f).stat().st_size < 4e6]
    hits = [f"{f}: {m[0]}" for f in text if (m := bad.search(Path(f).read_text(errors="ignore")))]
    assert len(text) > 20 and not hits

def test_notebooks_are_small_and_shaped():
    "Below 300 KiB, no cell over 40 lines, no error in a stored output."
    for path in Path("nbs").rglob("[!.]*.ipynb"):
        if any(p.startswith((".", "_")) for p in path.parts): continue
        assert path.stat().st_size < 300 * 1024, path
        for c in json.loads(path.read_text())["cells"]:
            if c["cell_type"] != "code": continue
            lines = [l for l in "".join(c["source"]).splitlines() if l.strip() and not l.startswith("#|")]
            assert len(lines) <= 40, f"{path}: a cell of {len(lines)} lines"
            assert not any(o.get("output_type") == "error" for o in c["outputs"]), path
