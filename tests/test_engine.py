"The engine: what runs, what runs again, what does not, and what a failure or a kill leaves behind."
import json, os, re, shutil, signal, subprocess, sys, time
from pathlib import Path
import nbformat, pytest, yaml
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from conftest import ROOT

sys.path.insert(0, str(ROOT/"tools"))
import engine

# A repository of three small pages: one makes tables, one reads it, one stands alone and reads the paper's facts.

def toy_page(tree, page, exported, body, made):
    "Write a page that exports `exported`, runs `body`, and writes the tables `made` and its record."
    header = "row,metric,protocol,estimate,ci_low,ci_high,k,n,unit,data,seed,audit"
    write = f"""
import json, os
from pathlib import Path
folder = Path(os.environ["SKINNB_OUTPUTS"])/run
made = [f"tables/toy/table_{{t}}.csv" for t in {made}]
for m in [*made, "pages/{page}.json"]: (folder/m).parent.mkdir(parents=True, exist_ok=True)
for m in made: (folder/m).write_text("{header}\\na,b,corrected,1,,,,,count,toy,1,\\n")
(folder/"pages/{page}.json").write_text(json.dumps(dict(made=made, started="", fallbacks=[], data={{}}, params={{}})))"""
    cells = [new_markdown_cell("# A toy"), new_code_cell(f"#| default_exp {page.replace('/0', '.p')}"),
        new_code_cell("#| export\n" + exported), new_code_cell('seed:int = 1\nrun:str = "page" # folder', metadata=dict(tags=["parameters"])),
        new_code_cell(body), new_code_cell(write)]
    path = tree/"nbs"/f"{page}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=cells, metadata=dict(kernelspec=dict(name="python3", display_name="python3", language="python"))), path)
    module = tree/"skinnb"/(page.replace("/0", "/p") + ".py")
    module.parent.mkdir(exist_ok=True)
    module.write_text(exported + "\n")

@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    tree = tmp_path_factory.mktemp("engine")/"a tree"
    for name in ("skinnb", "tools", "configs"):
        shutil.copytree(ROOT/name, tree/name, ignore=shutil.ignore_patterns("__pycache__", "pages"))
    for name in ("Snakefile", "settings.ini", "pyproject.toml"): shutil.copy(ROOT/name, tree/name)
    (tree/"nbs").mkdir()
    for page in ROOT.glob("nbs/0*.ipynb"):
        if re.search(r"default_exp (published|report|runs|study|stats)\b", page.read_text()): shutil.copy(page, tree/"nbs")
    fails = 'assert not Path("break").exists(), "\\n".join(["the first line", *["1 2 3"]*30, "the last line"])'
    toy_page(tree, "toy/01_train", 'makes = {"tables": ["1"]}\ndef member(x): return x + 1', f"from pathlib import Path\n{fails}", ["1", "extra"])
    toy_page(tree, "toy/02_read", 'from skinnb.toy.p1_train import member\nmakes = {"tables": ["2"]}', "import time; time.sleep(2)", ["2"])
    toy_page(tree, "toy/03_alone", "from skinnb.published import printed", "1", ["3"])
    settings = dict(run="toy", threads={"toy/01_train": 2}, resources=dict(default=dict(mem_mb=500)), pages={})
    (tree/"configs/toy.yaml").write_text(yaml.safe_dump(settings))
    return tree

ALL = "PAGES=toy/02_read toy/03_alone"

def environment(tree):
    return {**{k: v for k, v in os.environ.items() if k != "SKINNB_OUTPUTS"}, "SKINNB_PLAIN": "1", "PYTHONPATH": str(tree)}

def make(tree, *words, **env):
    "What `make outputs` calls, in the toy repository."
    words = ["PRESET=toy", "CORES=2", *words]
    return subprocess.run([sys.executable, "tools/engine.py", *words], cwd=tree, env={**environment(tree), **env}, capture_output=True, text=True, timeout=170)

def planned(tree, *config, preset="toy", flags=(), **env):
    "Names of the rules that a dry run would run."
    done = subprocess.run([sys.executable, "-m", "snakemake", "-n", "--nolock", "--cores", "2", *flags, "--config", f"preset={preset}", *config],
        cwd=tree, env={**environment(tree), **env}, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
    return {m[1] for m in re.finditer(r"^(?:local)?rule (\S+):", done.stdout + done.stderr, re.M)} - {"all"}

TOYS = "pages=toy/02_read toy/03_alone"

@pytest.fixture
def whole(tree):
    "The toy repository with a finished run; the test before usually leaves one."
    if not (tree/"outputs/toy/notebooks/toy/02_read.made").exists(): assert make(tree, ALL).returncode == 0
    return tree

def test_a_failing_page_stops_neither_the_others_nor_the_report(tree):
    (tree/"break").touch()
    done, out = make(tree, ALL), tree/"outputs/toy"
    assert done.returncode != 0
    failed = {f["page"]: f for f in json.loads((out/"failed.json").read_text())}
    assert set(failed) == {"toy/01_train", "toy/02_read"}
    assert failed["toy/01_train"]["message"] == "AssertionError: the first line … the last line"
    assert re.fullmatch(r"In \[\d+\]", failed["toy/01_train"]["cell"])
    assert "not run" in failed["toy/02_read"]["message"] and "toy/01_train" in failed["toy/02_read"]["message"]
    last = done.stdout.strip().splitlines()[-2:]
    assert all(l.startswith("FAILED toy: toy/0") and len(l) < 240 for l in last), done.stdout
    assert (out/"notebooks/toy/01_train.part.ipynb").exists() and (out/"report.html").exists()
    first = (out/"notebooks/toy/03_alone.ipynb").stat().st_mtime_ns
    (tree/"break").unlink()
    assert make(tree, ALL, "FRESH=1").returncode == 0
    assert not (out/"failed.json").exists() and not list(out.rglob("*.part.ipynb"))
    assert (out/"notebooks/toy/03_alone.ipynb").stat().st_mtime_ns > first # FRESH=1

def test_a_deleted_result_reruns_its_page_alone(whole):
    tree = whole
    declared, recorded = (tree/f"outputs/toy/tables/toy/table_{t}.csv" for t in ("1", "extra"))
    text = declared.read_text()
    declared.unlink()
    assert planned(tree, TOYS) == {"toy__01_train"}
    declared.write_text(text)
    others = [tree/f"outputs/toy/notebooks/toy/{p}.ipynb" for p in ("02_read", "03_alone")]
    before = [o.stat().st_mtime_ns for o in others]
    recorded.unlink()
    assert make(tree, ALL).returncode == 0
    assert recorded.exists() and [o.stat().st_mtime_ns for o in others] == before

def test_what_an_edit_reruns(whole):
    tree = whole
    module, facts = tree/"skinnb/toy/p1_train.py", tree/"skinnb/data/papers/toy.yaml"
    source = module.read_text()
    module.write_text("# a comment\n" + source.replace("def member(x):", 'def member(x):\n    "A docstring."\n   '))
    assert planned(tree, TOYS) == set()
    module.write_text(source.replace("x + 1", "x + 2")) # read by 02_read
    facts.write_text("order: 9\ntitle: A toy\ntables: []\nfigures: []\n") # read by 03_alone
    assert planned(tree, TOYS) == {"toy__02_read", "toy__03_alone"}
    page = tree/"nbs/toy/01_train.ipynb" # and the page as well, which hides 02_read from Snakemake's first pass
    page.write_text(page.read_text().replace("A toy", "One toy"))
    assert planned(tree, TOYS) == {"toy__01_train", "toy__03_alone"}
    before = {f: f.stat().st_mtime_ns for f in tree.rglob("outputs/toy/notebooks/**/*.made")}
    assert make(tree, ALL).returncode == 0 and planned(tree, TOYS) == set()
    assert len(before) == 3 and all(f.stat().st_mtime_ns > t for f, t in before.items())

@pytest.fixture
def reader(whole):
    "A page that reads the tables of all papers, beside the others; it stops where one of them is not there yet."
    body = """import os
from pathlib import Path
tables = Path(os.environ["SKINNB_OUTPUTS"])/run/"tables/toy"
assert all((tables/f"table_{t}.csv").exists() for t in (1, 2, 3))"""
    facts = whole/"skinnb/data/papers/toy.yaml"
    facts.write_text("order: 9\ntitle: A toy\ntables: []\nfigures: []\n")
    toy_page(whole, "across/09_all", 'makes = {"tables": [], "figures": [], "reads": "papers"}', body, [])
    yield whole
    for path in (facts, whole/"nbs/across/09_all.ipynb", whole/"skinnb/across/p9_all.py"): path.unlink()

def test_a_page_that_reads_all_papers_runs_after_them_and_when_a_table_is_newer(reader):
    tree, asked = reader, f"{TOYS} across/09_all"
    tables = tree/"outputs/toy/tables/toy"
    for t in (1, 2, 3): (tables/f"table_{t}.csv").unlink(missing_ok=True)
    done = make(tree, f"{ALL} across/09_all")
    assert done.returncode == 0 and planned(tree, asked) == set(), done.stdout + done.stderr
    page = tree/"nbs/toy/03_alone.ipynb" # a page whose table it reads is to run again
    text, before = page.read_text(), page.stat()
    page.write_text(text.replace("A toy", "Alone"))
    assert planned(tree, asked) == {"toy__03_alone", "across__09_all"}
    page.write_text(text)
    os.utime(page, ns=(before.st_atime_ns, before.st_mtime_ns))
    made = tree/"outputs/toy/notebooks/across/09_all.made"
    listed = made.read_text()
    for newer in (tables/"table_3.csv", tree/"outputs/reference/real/tables/toy/table_1.csv"): # by hand, or committed since
        newer.parent.mkdir(parents=True, exist_ok=True)
        newer.write_text((tables/"table_1.csv").read_text())
        assert planned(tree, asked) == {"across__09_all"}, newer
        made.write_text(listed) # as if it had run again
    assert planned(tree, asked) == set()
    shutil.rmtree(tree/"outputs/reference")

def test_a_failing_rerun_loses_nothing(whole):
    tree = whole
    out = tree/"outputs/toy"
    kept = [out/"tables/toy/table_1.csv", out/"tables/toy/table_extra.csv", out/"notebooks/toy/01_train.ipynb"]
    before = [k.read_bytes() for k in kept]
    page = tree/"nbs/toy/01_train.ipynb"
    page.write_text(page.read_text().replace("One toy", "The toy"))
    (tree/"break").touch()
    assert make(tree, ALL).returncode != 0
    assert [k.read_bytes() for k in kept] == before
    (tree/"break").unlink()

def test_an_edited_number_changes_the_digest_of_its_paper_alone(tmp_path, monkeypatch):
    shutil.copytree(ROOT/"skinnb/data", tmp_path/"skinnb/data")
    monkeypatch.chdir(tmp_path)
    before, (path, text) = engine.facts(), next((p, p.read_text()) for p in sorted(Path("skinnb/data").rglob("*.yaml")) if "0.8421" in p.read_text())
    path.write_text(text.replace("0.8421", "0.8422") + "\n# a comment\n")
    changed = {p for p, digest in engine.facts().items() if digest != before[p]}
    assert changed == {"melanoma_ddpm"}

def run_until(tree, path, seconds=60):
    "Start a run, SIGKILL it with all its children in the moment when `path` appears; False if it ended before."
    done = subprocess.Popen([sys.executable, "tools/engine.py", "PRESET=toy", "CORES=1", ALL], cwd=tree, env=environment(tree),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    end = time.time() + seconds
    while not list(tree.glob(path)) and time.time() < end and done.poll() is None: time.sleep(.02)
    found = done.poll() is None and bool(list(tree.glob(path)))
    if found: os.killpg(done.pid, signal.SIGKILL)
    done.wait()
    return found

def test_after_sigkill_the_next_run_runs_on(tree):
    out = tree/"outputs/toy"
    for point in (".snakemake/incomplete/*", "outputs/toy/notebooks/toy/02_read.part.ipynb", "outputs/toy/tables/toy/table_2.csv"):
        shutil.rmtree(out, ignore_errors=True)
        shutil.rmtree(tree/".snakemake/incomplete", ignore_errors=True)
        assert run_until(tree, point), f"never got to {point}"
    done = make(tree, ALL)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (out/"failed.json").exists() and not list(out.rglob("*.part.ipynb"))

def test_a_living_owner_is_named_and_nothing_is_touched(tree):
    files = lambda: {p: p.stat().st_mtime_ns for p in (tree/"outputs").rglob("*")}
    with engine.own(tree/"outputs/toy", "toy"):
        before = files()
        done = make(tree, ALL)
        assert done.returncode != 0 and f'"pid": {os.getpid()}' in done.stderr and "run 'toy'" in done.stderr, done.stderr
        assert files() == before

def test_a_killed_owner_whose_child_still_dies_is_waited_for(tmp_path):
    owner = f"""
import subprocess, sys
sys.path.insert(0, {str(ROOT/'tools')!r})
import engine
from pathlib import Path
lock = engine.own(Path({str(tmp_path)!r})/"toy", "toy")
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3)"], pass_fds=[lock.fileno()])
print("owned", flush=True)
input()
"""
    killed = subprocess.Popen([sys.executable, "-c", owner], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert killed.stdout.readline() == "owned\n"
    killed.kill()
    killed.wait()
    with pytest.raises(ValueError, match=f'"pid": {killed.pid}'): engine.own(tmp_path/"toy", "toy", patience=0)
    with engine.own(tmp_path/"toy", "toy") as lock: assert f'"pid": {os.getpid()}' in Path(lock.name).read_text()

def test_outputs_may_lie_elsewhere(tree, tmp_path):
    elsewhere = tmp_path/"an odd place"
    assert make(tree, "PAGES=toy/03_alone", "SEED=7", SKINNB_OUTPUTS=str(elsewhere)).returncode == 0
    assert (elsewhere/"toy-seed7/notebooks/toy/03_alone.ipynb").exists()
    assert (elsewhere/"toy-seed7/tables/toy/table_3.csv").exists()

@pytest.mark.parametrize("word,said", [("PRESET=", "'phantom'"), ("PRESET=fantom", "'phantom'"), ("CORES=0", "CORES=2"), ("CORES=two", "CORES=2"),
    ("CORES=", "empty"), ("RUN=", "empty"), ("RUN=..", "'..'"), ("RUN=../x", "'../x'"), ("RUN=reference", "'reference'"), ("RUN=-x", "'-x'"),
    ("RUN=" + "x"*101, "100 at most"), ("SEED=-1", "SEED=7"), ("SEED=x", "SEED=7"), ("BACKBONE=", "empty")])
def test_odd_words_are_refused_before_anything_is_written(word, said, tmp_path):
    (tmp_path/"configs").symlink_to(ROOT/"configs")
    done = subprocess.run([sys.executable, ROOT/"tools/engine.py", word], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode != 0 and said in done.stderr and "Traceback" not in done.stderr, done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["configs"]

def test_a_changed_backbone_or_seed_names_its_own_run():
    assert engine.run_name(dict(run="phantom"), {}) == "phantom"
    assert engine.run_name(dict(run="phantom"), dict(backbone="convnext_tiny", seed=7)) == "phantom-convnext_tiny-seed7"
    assert engine.run_name(dict(run="phantom"), dict(backbone="hf-hub:timm/x.y", seed=0)) == "phantom-hf-hub_timm_x.y-seed0"
    assert engine.run_name(dict(run="phantom"), dict(seed=7, run="mine")) == "mine"

def test_a_page_depends_on_what_it_reads():
    assert planned(ROOT, "pages=recall_first/02a_threshold", preset="phantom", flags=["--forceall"]) == {
        "recall_first__01_data", "recall_first__02_train", "recall_first__02a_threshold"}

def test_a_cluster_is_asked_for_what_the_preset_says(tmp_path):
    "Without SLURM's plugin, which is an extra: the profile is read, another executor takes its place."
    done = subprocess.run([sys.executable, "-m", "snakemake", "-n", "--nolock", "--profile", "configs/slurm", "--executor", "local",
        "--cores", "16", "--config", "preset=paper", "pages=recall_first/02_train"], capture_output=True, text=True,
        env={**environment(ROOT), "SKINNB_DATA": str(tmp_path), "SKINNB_OUTPUTS": str(tmp_path/"outputs")})
    said = (done.stdout + done.stderr).split("rule recall_first__02_train:")[1].split("rule ")[0]
    asked = yaml.safe_load((ROOT/"configs/paper.yaml").read_text())
    for name, value in asked["resources"]["recall_first/02_train"].items(): assert f"{name}={value}" in said
    assert f"threads: {asked['threads']['recall_first/02_train']}" in said

@pytest.mark.parametrize("preset,config", [("real", ()), ("paper", ()), ("phantom", ("sweep=1",))])
def test_dry_runs(preset, config, tmp_path):
    rules = planned(ROOT, *config, preset=preset, SKINNB_DATA=str(tmp_path), SKINNB_OUTPUTS=str(tmp_path/"outputs"))
    listed = yaml.safe_load((ROOT/"configs/sweep.yaml").read_text())
    if config: assert len(rules) == 1 + 2*len(listed["backbones"])*len(listed["seeds"]) and "results" in rules
    else: assert {"melanoma_ddpm__01_classify", "recall_first__02_train", "report"} <= rules

def test_the_files_for_papermill_are_those_of_the_presets():
    subprocess.run([sys.executable, "tools/params.py", "--check"], check=True)

def test_git_sees_a_page_without_its_outputs():
    page = ROOT/"nbs/01_stats.ipynb"
    nb = nbformat.read(page, 4)
    nb.metadata["language_info"] = dict(name="python", version="3")
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.execution_count, cell.metadata["execution"] = 3, dict(started="now")
            cell.outputs = [nbformat.v4.new_output("stream", text="a\n")]
    clean = lambda text: subprocess.run([sys.executable, "tools/clean.py"], input=text, capture_output=True, text=True, check=True).stdout
    assert clean(nbformat.writes(nb)) == page.read_text(encoding="utf-8") == clean(page.read_text(encoding="utf-8"))
