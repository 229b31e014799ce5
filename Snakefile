# One rule per page: papermill with the preset's parameters. The pages themselves say what they import and make.
import difflib, json, os
from pathlib import Path
import yaml
from skinnb.study import page_parameters, pages

presets = sorted(p.stem for p in Path("configs").glob("*.yaml"))
preset = config.get("preset", "phantom")
if preset not in presets:
    near = difflib.get_close_matches(preset, presets, 1, 0)
    raise WorkflowError(f"unknown preset {preset!r}; nearest is {near[0]!r}, accepted are {presets}")
settings = yaml.safe_load(Path(f"configs/{preset}.yaml").read_text())
if settings.get("needs_data") and not os.environ.get("SKINNB_DATA"):
    raise WorkflowError(f"preset {preset!r} needs real data: set SKINNB_DATA to the folder that holds ham10000/ and the others (data_manifest.yaml)")
run = str(config.get("run", settings["run"]))
book = pages().set_index("page")
out = f"outputs/{run}"
page_of = dict(zip(book.module, book.index))

def code(page):
    "Exported modules that a page imports, directly or not."
    seen, todo = set(), list(book.imports[page])
    while todo:
        m = todo.pop()
        if m in page_of and m not in seen:
            seen.add(m)
            todo += book.imports[page_of[m]]
    return [f"skinnb/{m.replace('.', '/')}.py" for m in sorted(seen)]

def parameters(page):
    "The preset's parameters for a page, then what the command line changes, as far as the page declares it."
    declared = page_parameters(page)
    asked = {"run": run, **{k: config[k] for k in ("seed", "backbone") if k in config}}
    return {**settings.get("pages", {}).get(page, {}), **{k: v for k, v in asked.items() if k in declared}}

def threads_of(page):
    return workflow.cores or 1 if page in settings.get("all_cores", []) else 1

runnable = [p for p in book.index if p != "index"]

localrules: all
rule all:
    input: f"{out}/report.html"

for page in runnable:
    rule:
        name: page.replace("/", "__")
        input:
            page=f"nbs/{page}.ipynb",
            code=code(page),
        output: f"{out}/notebooks/{page}.ipynb"
        log: f"{out}/logs/{page}.log"
        params:
            given=json.dumps(parameters(page)),
            part=f"{out}/notebooks/{page}.part.ipynb",
        threads: threads_of(page)
        priority: page in settings.get("all_cores", []) # trainings first: later pages find their networks kept
        resources: **settings.get("resources", {}).get(page, {})
        shell:
            "OMP_NUM_THREADS={threads} papermill {input.page} {params.part} -y {params.given:q} --no-progress-bar --log-output --log-level WARNING > {log} 2>&1"
            " && mv {params.part} {output}"
            " || {{ tail -n 30 {log}; echo 'The page as far as it came: {params.part}'; exit 1; }}"

rule report:
    input: expand(f"{out}/notebooks/{{page}}.ipynb", page=runnable)
    output: f"{out}/report.html"
    shell: "python -c 'from skinnb.report import report; report(\"{run}\")' && echo 'Look at {output}'"
