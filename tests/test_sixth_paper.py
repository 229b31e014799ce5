"""A sixth paper is one folder of pages, one YAML file and one block per preset; nothing else changes. Here a paper that
nobody wrote joins a copy of the tree and goes through export, presets, coverage, verdicts, report and register. Its files
stand below as text: the smallest example of a paper."""
import hashlib, json, os, re, shutil, subprocess, sys
import nbformat, pandas as pd, pytest, yaml
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from conftest import ROOT

FACTS = """\
order: 99 # among the papers
mark: Z # first letter of its findings, as in Z-01
title: "A made-up paper on moles"
authors: ["A. Nobody"]
year: 2026
venue: "nowhere"
tables:
  - id: "1"
    caption: "Two networks"
    columns: ["network", "sensitivity", "share"]
    units: {sensitivity: "fraction", share: "percent"}
    computed_on: "test split (200)"
    rows: [["A", 0.76, 60.0], ["B", 0.80, 50.0]]
    printed_rows: [["A", "0.7600", "60.0%"], ["B", "0.8000", "50.0%"]]
  - {id: "2", caption: "Other work", columns: ["method", "year"], units: {year: "year"}, computed_on: "other papers",
     rows: [["first", 2017]], printed_rows: [["first", "2017"]]}
figures:
  - {id: "1", shows: "Sensitivity of both networks"}
  - {id: "2", shows: "A photograph"}
plan: {networks: {tables: ["1"], figures: ["1"]}}
margins: {"1": {sensitivity: 0.05, share: 5}}
contradictions: {"1": {share: Z-01}}
not_reproduced: {table 2: quotation only, figure 2: borrowed illustration}
"""

PAPER = '''\
#%% md
# What does `toy` claim?

> A. Nobody, *A made-up paper on moles*. A second on one CPU core.
#%%
#| default_exp toy.paper
#%%
#| export
from skinnb.published import facts, printed
from skinnb.tables import Register, number, numbers, with_counts

key = "toy"
register = Register(key, facts(key)["mark"])
#%% parameters
seed:int = 42 # written into the record
run:str = "page" # folder under outputs
#%%
#| export
@register.add("Z-01", "C", "Table 1", "calc", "Shares of all images.", do="Print the counts.")
def _z01():
    total = numbers(key, "1").share.sum()
    return number(f"The shares add up to {total:.0f} %.", "sum of the shares", total, "percent")
#%%
#| export
def implied(
    table:str, # id as printed
): # published.printed with counts and intervals
    "A printed table with the counts that its rates imply."
    return with_counts(printed(key, table), lambda r: dict(n=200) if r.metric == "sensitivity" else None)
#%%
register.frame()[["id", "severity", "recomputed"]]
'''

PAGE = '''\
#%% md
# Does network A find fewer melanomas?

> toy, Table 1 and Figure 1. A second on one CPU core.
#%%
#| default_exp toy.page
#%%
#| export
import matplotlib.pyplot as plt, numpy as np, pandas as pd
from skinnb.published import compare
from skinnb.verdicts import readable, show_table
from skinnb.stats import wilson
from skinnb.study import begin
from skinnb.toy import paper

makes = {"tables": ["1"], "figures": ["1"]}
#%% parameters
n:int = 50 # melanomas drawn
seed:int = 42 # seeds the draw
run:str = "page" # folder under outputs
#%%
study = begin("toy/01_page", run=run, seed=seed)
k = dict(A=round(.76*n), B=round(.5*n))
#%%
lines = [dict(row=r, metric="sensitivity", protocol="faithful", estimate=k[r]/n, k=k[r], n=n, data="made up",
    seed=seed, **dict(zip(("ci_low", "ci_high"), wilson(k[r], n)))) for r in k]
table = compare(paper.key, "1", pd.DataFrame(lines), audit={("A", "share"): "Z-01"}, implied=paper.implied("1"))
readable(study.table(table, "1"))
show_table(table)
#%%
fig, ax = plt.subplots(figsize=(3, 2))
ax.plot([k[r]/n for r in k], list(k), "o")
study.figure(fig, "1")
study.finish().name
'''

BLOCK = "  toy/01_page: {n: 400}\n"
ADDED = {"nbs/toy/00_paper.ipynb", "nbs/toy/01_page.ipynb", "skinnb/data/papers/toy.yaml"} # what a person writes
MADE = {"skinnb/toy/__init__.py", "skinnb/toy/paper.py", "skinnb/toy/page.py"} # what nbdev-export makes of it
PRESETS = {f"configs/{name}.yaml" for name in ("phantom", "real", "paper")}

def notebook(text):
    "Cells of a text in which `#%%` begins a cell."
    cells = []
    for part in re.split("^#%%", text, flags=re.M)[1:]:
        kind, _, source = part.partition("\n")
        if kind.strip() == "md": cells.append(new_markdown_cell(source.strip()))
        else: cells.append(new_code_cell(source.strip(), metadata=dict(tags=["parameters"]) if kind.strip() else {}))
    kernel = dict(name="python3", display_name="python3", language="python")
    return new_notebook(cells=cells, metadata=dict(kernelspec=kernel))

def state(tree):
    "Digest of every file, what runs leave behind apart."
    left = ("outputs", "data", ".snakemake", ".git")
    files = [p for p in tree.rglob("*") if p.is_file() and p.relative_to(tree).parts[0] not in left and "__pycache__" not in p.parts]
    return {p.relative_to(tree).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}

def call(tree, *command):
    env = {k: v for k, v in os.environ.items() if k not in ("SKINNB_OUTPUTS", "SKINNB_PAPERS")}
    env |= dict(PYTHONPATH=str(tree), SKINNB_PLAIN="1", SKINNB_CACHE=str(tree/"data"))
    return subprocess.run([sys.executable, *command], cwd=tree, env=env, capture_output=True, text=True, timeout=170)

def ask(tree, code):
    "What a line of Python says in the tree."
    done = call(tree, "-c", f"import json, skinnb.published as published, skinnb.verdicts as verdicts; print(json.dumps({code}))")
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])

@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    "A copy of the tree with a sixth paper, exported and run; and what its files were before and after."
    tree = tmp_path_factory.mktemp("sixth")/"tree"
    for name in ("nbs", "skinnb", "tools", "configs"):
        shutil.copytree(ROOT/name, tree/name, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints"))
    for name in ("Snakefile", "settings.ini", "pyproject.toml", "setup.py", "README.md"): shutil.copy(ROOT/name, tree/name)
    before = state(tree)
    (tree/"nbs/toy").mkdir()
    for page, text in (("00_paper", PAPER), ("01_page", PAGE)): nbformat.write(notebook(text), tree/f"nbs/toy/{page}.ipynb")
    (tree/"skinnb/data/papers/toy.yaml").write_text(FACTS, encoding="utf-8")
    for preset in PRESETS:
        with open(tree/preset, "a", encoding="utf-8") as f: f.write(BLOCK)
    done = call(tree, "-c", "from nbdev.doclinks import nbdev_export; nbdev_export()")
    assert done.returncode == 0, done.stderr[-2000:]
    after = state(tree)
    done = call(tree, "tools/engine.py", "PRESET=phantom", "CORES=3", "PAGES=toy/00_paper toy/01_page across/02_register")
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return tree, before, after

def test_no_other_file_changes(tree):
    "One folder of pages and one YAML are added; one line is added to each preset; the library is exported; that is all."
    tree, before, after = tree
    assert after.keys() - before.keys() == ADDED | MADE and not before.keys() - after.keys()
    changed = {f for f in before if before[f] != after[f]}
    assert changed <= PRESETS | {"skinnb/_modidx.py"} and PRESETS <= changed
    for preset in PRESETS: assert (tree/preset).read_text() == (ROOT/preset).read_text() + BLOCK

def test_its_parameters_are_the_presets(tree):
    tree = tree[0]
    for preset in PRESETS: assert yaml.safe_load((tree/preset).read_text())["pages"]["toy/01_page"] == {"n": 400}
    assert json.loads((tree/"outputs/phantom/run.json").read_text())["pages"]["toy/01_page"]["params"]["n"] == 400

def test_coverage_lists_it(tree):
    from_command = call(tree[0], "-c", "import sys; sys.argv[1:] = ['phantom']; from skinnb.report import coverage_cli; coverage_cli()")
    of_toy = from_command.stdout.split("toy: A made-up paper on moles\n")[1].splitlines()
    assert [" ".join(l.split()) for l in of_toy[:3]] == ["made Table 1; Figure 1 [toy/01_page]",
        "not made Table 2 not reproduced: quotation only", "not made Figure 2 not reproduced: borrowed illustration"]

def test_verdicts(tree):
    "304 of 400 beside 152 of 200 is compatible; 200 of 400 beside 160 of 200 is not; what was not run is said."
    tree = tree[0]
    csv = tree/"outputs/phantom/tables/toy/table_1.csv"
    side = ask(tree, f"verdicts.side_by_side(published.read_table({str(csv)!r})).to_dict('records')")
    said = {(r["row"], r["metric"]): r for r in side}
    assert said["A", "sensitivity"]["printed"] == "0.7600 (implied 152/200, [0.696, 0.814])"
    assert said["A", "sensitivity"]["verdict"].startswith("compatible, imprecise")
    assert said["A", "share"]["audit"] == "Z-01" and said["A", "share"]["contradicts"] == "contradicts itself (Z-01)"
    assert said["B", "sensitivity"]["verdict"] == "not reproduced (ours lower by 0.3)"
    assert said["B", "share"]["verdict"] == "not testable (not run)"
    assert "0.7600" in csv.with_suffix(".html").read_text()

def test_report_has_its_chapter(tree):
    tree = tree[0]
    done = call(tree, "-c", "from skinnb.report import report; report('phantom')")
    assert done.returncode == 0, done.stderr[-2000:]
    html = (tree/"outputs/phantom/report.html").read_text()
    chapter = html.split('<h2 id="toy">')[1].split("<h2")[0]
    for part in ("A made-up paper on moles", "A. Nobody", 'id="toy-table-1"', 'id="toy-figure-1"', "not reproduced: borrowed"):
        assert part in chapter, part

def test_register_has_its_finding(tree):
    findings = pd.read_csv(tree[0]/"outputs/phantom/tables/across/table_audit.csv", dtype=str, keep_default_na=False)
    words, number = (findings[(findings.paper == "toy") & (findings.protocol == p)] for p in ("printed", "corrected"))
    assert words.row.to_list() == number.row.to_list() == ["Z-01"] and number.estimate.to_list() == ["110"]
    assert words.recomputed.to_list() == ["The shares add up to 110 %."]
