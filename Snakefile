# One rule per page: papermill with the preset's parameters. The pages themselves say what they import and make.
import functools, json, os, sys
from pathlib import Path
import pandas as pd, yaml
from snakemake.utils import Paramspace
from skinnb import study
sys.path.insert(0, f"{workflow.basedir}/tools")
import engine

# What is asked: {run: what it changes}. A sweep is a list of runs.
def sweep():
    listed = yaml.safe_load(Path("configs/sweep.yaml").read_text(encoding="utf-8"))
    grid = [dict(backbone=b, seed=s) for b in listed["backbones"] for s in listed["seeds"]]
    space = Paramspace(pd.DataFrame(grid), filename_params="*", param_sep="-")
    return dict(zip(space.instance_patterns, grid)), listed["pages"]

def single():
    asked = {k: config[k] for k in ("run", "seed", "backbone") if k in config}
    return {engine.run_name(settings, asked): asked}, config.get("pages", "").split()

try:
    settings = engine.preset(str(config.get("preset", "phantom")))
    runs, only = sweep() if config.get("sweep") else single()
    if settings.get("needs_data"): engine.need_data()
except ValueError as e: raise WorkflowError(str(e))

place = f"{engine.outputs()}/sweep" if config.get("sweep") else str(engine.outputs())
folder = {run: f"{place}/{run}" for run in runs}
book = study.pages().set_index("page")
page_of = dict(zip(book.module, book.index))
runnable = [p for p in book.index if p != "index"]
facts = engine.facts()
if unknown := [p for p in only if p not in runnable]: raise WorkflowError(f"there is no page {unknown[0]!r}; pages are {runnable}")

# What a page depends on.
def reads(page):
    "Does a page read the tables of all papers? It says so beside what it makes."
    return book.makes[page].get("reads") == "papers"

@functools.cache
def modules(page):
    "Modules that a page imports, directly or not."
    seen, todo = set(), list(book.imports[page])
    by_key = (".paper", ".claims") if reads(page) else (".paper",) # modules found by the papers' keys
    if book.paper[page] == "across": todo += [m for m in page_of if m and m.endswith(by_key)]
    while todo:
        if (m := todo.pop()) in page_of and m not in seen:
            seen.add(m)
            todo += book.imports[page_of[m]]
    return sorted(seen)

@functools.cache
def needs(page):
    "Pages of a paper whose networks and other kept results this page reads."
    known = [page_of[m] for m in modules(page) if book.paper[page_of[m]]]
    return [p for p in known if p in settings.get("threads", {}) or engine.keeps(p)]

def known_facts(page):
    "Digest of the printed facts that a page reads: of its own paper, or of all."
    return "" if "published" not in {*modules(page), book.module[page]} else facts.get(book.paper[page]) or json.dumps(facts)

declared_by = functools.cache(study.page_parameters)

def parameters(page, run):
    "The preset's parameters for a page, then what the run changes, as far as the page declares it."
    changed = {**runs[run], "run": run}
    return {**settings.get("pages", {}).get(page, {}), **{k: v for k, v in changed.items() if k in declared_by(page)}}

def threads_of(page):
    "Threads of a page: 1 unless the preset says another number, or all."
    n = settings.get("threads", {}).get(page, 1)
    return workflow.cores or 8 if n == "all" else n

# What a page makes.
def executed(page, run):
    return f"{folder[run]}/notebooks/{page}.ipynb"

def declared(page, run):
    "Tables and figures that a page declares."
    stem, paper = {"tables": "table_{}.csv", "figures": "figure_{}.png"}, page.split("/")[0]
    return [f"{folder[run]}/{kind}/{paper}/{stem[kind].format(id)}" for kind in stem for id in book.makes[page].get(kind, [])]

def read_tables(page, run):
    "Tables that a page reads of all papers: of this run, and of the committed ones."
    places = [Path(folder[run]), *Path("outputs/reference").glob("*")] if reads(page) else []
    return [f for place in places for paper in facts for f in place.glob(f"tables/{paper}/*.csv")]

def made(page, run):
    "The list of all that a page made. It goes when one of them is gone, or older than a table it read: the page is run again, and no other."
    path = Path(executed(page, run)).with_suffix(".made")
    if workflow.is_main_process and path.exists():
        gone = not all(Path(f).exists() for f in path.read_text().splitlines())
        if gone or any(f.stat().st_mtime > path.stat().st_mtime for f in read_tables(page, run)): path.unlink()
    return str(path)

wanted = dict.fromkeys(p for page in only or runnable for p in (*needs(page), page))
before = lambda page: [p for p in wanted if reads(page) and book.paper[p] in facts] # all pages of all papers
targets = [f for run in runs for p in wanted for f in (executed(p, run), made(p, run), *declared(p, run))]
first = next(iter(runs))
make_report = f"python -c 'import sys; from skinnb.report import report; report(sys.argv[1])' {first}"
localrules: all, report, results

rule all:
    input: f"{place}/results.csv" if config.get("sweep") else targets if only else f"{folder[first]}/report.html"

for run in runs:
    for page in wanted:
        rule:
            name: "__".join([*([run] if config.get("sweep") else []), *page.split("/")])
            input:
                page=f"nbs/{page}.ipynb",
                needs=[ancient(executed(p, run)) for p in needs(page)], # there before, but no reason to run again
                papers=[made(p, run) for p in before(page)],
            output:
                [update(f) for f in (executed(page, run), *declared(page, run))], # a failure loses nothing of the run before
                made=made(page, run),
            log: f"{folder[run]}/logs/{page}.log"
            params:
                page=page, folder=folder[run], given=json.dumps(parameters(page, run)), threads=threads_of(page),
                code=engine.code_digest(modules(page)), facts=known_facts(page),
            threads: threads_of(page)
            priority: page in settings.get("threads", {}) # trainings first: they are long
            resources: **{**settings["resources"]["default"], **settings["resources"].get(page, {})}
            shell: "OMP_NUM_THREADS={params.threads} python tools/page.py {params.page} {params.folder:q} {params.given:q} {output:q} > {log:q} 2>&1"

rule report:
    input: targets, map(str, Path("skinnb/data/templates").glob("*")), "skinnb/data/report.css"
    output: f"{folder[first]}/report.html"
    params: code=engine.code_digest(["report", *modules(page_of["report"])]), facts=json.dumps(facts)
    shell: make_report

rule results:
    input: targets
    output: f"{place}/results.csv"
    params: runs=[f"sweep/{run}" for run in runs]
    shell: "python -c 'import sys; from skinnb.runs import write_results; write_results(sys.argv[2:], sys.argv[1])' {output:q} {params.runs:q}"

onstart:
    for at in folder.values():
        for part in Path(at).glob("notebooks/**/*.part.ipynb"): part.unlink()
        study.sweep_debris(at)

onerror:
    for job in workflow.dag.needrun_jobs(): # what had to run and did not get through
        if page := job.params.get("page"): engine.not_run(job.params.folder, page, needs(page))
    if not config.get("sweep"): shell(make_report)
