"""What the Snakefile, the page runner and `make outputs` share: names, digests, failures, and one owner per run."""
import ast, difflib, functools, hashlib, json, os, re, shutil, socket, subprocess, sys, time
from pathlib import Path
import filelock, yaml

taken = ("reference", "sweep") # folders under outputs that are not a run

def outputs():
    "Folder of runs: `SKINNB_OUTPUTS`, else outputs."
    return Path(os.environ.get("SKINNB_OUTPUTS") or "outputs")

def preset(name):
    "Settings of configs/<name>.yaml."
    known = sorted(p.stem for p in Path("configs").glob("*.yaml") if p.stem != "sweep")
    if name not in known:
        near = difflib.get_close_matches(name, known, 1, 0)[0] if name else "phantom"
        raise ValueError(f"unknown preset {name!r}; nearest is {near!r}, accepted are {known}")
    return yaml.safe_load(Path(f"configs/{name}.yaml").read_text(encoding="utf-8"))

def run_name(settings, asked):
    "The run asked for, else the preset's own, with what was changed: phantom-convnext_tiny-seed7."
    changed = [str(asked[k]) if k == "backbone" else f"seed{asked[k]}" for k in ("backbone", "seed") if k in asked]
    own = re.sub(r"[^\w.-]", "_", "-".join([settings["run"], *changed]))
    name = str(asked.get("run", own))
    if not re.fullmatch(r"\w[\w.-]{,99}", name, re.A) or name in taken:
        raise ValueError(f"run {name!r}: letters, digits, '_', '-' and '.' are accepted, 100 at most, no '-' or '.' first, "
            f"and none of {list(taken)}; such as {own!r}")
    return name

def need_data():
    "An error where a preset needs real data and none are at hand."
    if os.environ.get("SKINNB_DATA"): return
    from skinnb.archives import at_hand
    if "ham10000" not in set(at_hand().name):
        raise ValueError("this preset needs real data: `skinnb_data ham10000` fetches them, or set SKINNB_DATA to the "
            "folder that holds ham10000/ and the others (data_manifest.yaml)")

# What a page depends on, as digests: Snakemake runs a page again when one of them changes.

def _digest(thing):
    return hashlib.sha256(json.dumps(thing, sort_keys=True, default=str).encode()).hexdigest()[:12]

@functools.cache
def _code(path): # what a module does, not what it says: no comments, no docstrings
    tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
            node.body = body[1:] or [ast.Pass()]
    return _digest(ast.dump(tree))

def code_digest(modules):
    "Digest of the code of skinnb's modules, comments and docstrings apart."
    return _digest([_code(f"skinnb/{m.replace('.', '/')}.py") for m in sorted(modules)])

def facts():
    "{paper: digest of all that is known of it}, comments apart."
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    read = lambda p: yaml.load(p.read_text(encoding="utf-8"), loader)
    folders = filter(None, ["skinnb/data/papers", os.environ.get("SKINNB_PAPERS")])
    known = {p.stem: read(p) for f in folders for p in sorted(Path(f).glob("*.yaml"))}
    return {paper: _digest(fact) for paper, fact in known.items()}

@functools.cache
def keeps(page):
    "True where a page's code keeps results that another page finds."
    cells = json.loads(Path(f"nbs/{page}.ipynb").read_text(encoding="utf-8"))["cells"]
    return any(c["cell_type"] == "code" and re.search(r"\bkept\(", "".join(c["source"])) for c in cells)

# failed.json: one entry per page that is not as it should be; a success takes it out again.

def failures(folder):
    "Entries of a run's failed.json: page, cell, message."
    path = Path(folder)/"failed.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else []

def note(folder, page, message=None, cell=""):
    "Write a page's failure into failed.json; without a message, take it out."
    path = Path(folder)/"failed.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(path.with_name(".failed.lock")):
        entries = [f for f in failures(folder) if f["page"] != page]
        entries += [dict(page=page, cell=cell, message=message)] if message else []
        tmp = path.with_name(".failed.tmp")
        tmp.write_text(json.dumps(sorted(entries, key=lambda f: f["page"]), indent=1) + "\n", encoding="utf-8")
        tmp.replace(path) if entries else (tmp.unlink(), path.unlink(missing_ok=True))

def not_run(folder, page, needs):
    "Note a page that was not reached, with the pages that it waited for in vain."
    failed = {f["page"] for f in failures(folder)}
    missing = [n for n in needs if n in failed]
    if page not in failed: note(folder, page, f"not run: it needs {', '.join(missing)}" if missing else "not run: the run stopped before")

def short(text, most=160):
    "First and last line of a message: an array of thirty lines is nobody's reason."
    lines = [l.strip() for l in str(text).splitlines() if l.strip()] or ["no message"]
    text = " … ".join(dict.fromkeys([lines[0], lines[-1]]))
    return text if len(text) <= most else text[:most - 1] + "…"

# One owner per run. The system drops the lock of a dead owner, so nothing stays locked after SIGKILL.

def dying(owner):
    "Has this machine's process of such a note gone? What it started, killed with it, may need a moment longer."
    try: owner = json.loads(owner)
    except ValueError: return True # between two notes
    if owner["host"] != socket.gethostname(): return False
    try: os.kill(owner["pid"], 0) # asks, and does nothing
    except ProcessLookupError: return True
    except PermissionError: pass # somebody else's
    return False

def own(folder, run, patience=30):
    "Lock a run for this process and its Snakemake; a living owner is named, a dying one gets some seconds."
    import fcntl
    folder.mkdir(parents=True, exist_ok=True)
    lock, end = open(folder/".owner.json", "a+", encoding="utf-8"), time.time() + patience
    while True:
        try: fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB); break
        except BlockingIOError:
            lock.seek(0)
            owner = lock.read().strip()
            if not dying(owner) or time.time() > end:
                raise ValueError(f"run {run!r} is being made by {owner}: wait until it ends, or stop it; "
                    "RUN=another makes a run of its own") from None
            time.sleep(.1)
    lock.truncate(0)
    lock.write(json.dumps(dict(pid=os.getpid(), host=socket.gethostname(), run=run, since=time.strftime("%H:%M:%S"))))
    lock.flush()
    return lock

# make outputs

def asked_for(words):
    "{name: value} of words such as RUN=mine, checked."
    asked = dict(w.split("=", 1) for w in words)
    for name in ("RUN", "BACKBONE", "SEED", "CORES"):
        if name in asked and not asked[name].strip(): raise ValueError(f"{name}= is empty: give it a value or leave it out")
    if not re.fullmatch(r"[1-9]\d*", asked.get("CORES", "1")):
        raise ValueError(f"CORES={asked['CORES']}: a whole number from 1 on is accepted, such as CORES=2")
    if "SEED" in asked and not (asked["SEED"].isdecimal() and int(asked["SEED"]) < 2**32):
        raise ValueError(f"SEED={asked['SEED']}: a whole number from 0 to 4294967295 is accepted, such as SEED=7")
    if not re.fullmatch(r"\d+", asked.get("GPUS", "1")): raise ValueError(f"GPUS={asked['GPUS']}: a whole number is accepted, such as GPUS=1")
    if asked.get("PROFILE") and not Path(f"configs/{asked['PROFILE']}/config.yaml").exists():
        profiles = sorted(p.parent.name for p in Path("configs").glob("*/config.yaml"))
        raise ValueError(f"PROFILE={asked['PROFILE']}: accepted are {profiles}, folders of configs with a config.yaml")
    return asked

def command(asked):
    "The Snakemake command for what is asked."
    config = [f"{k.lower()}={v}" for k, v in asked.items() if k in ("PRESET", "RUN", "BACKBONE", "SEED", "PAGES", "SWEEP") and v]
    here = ["--cores", asked.get("CORES", "1"), "--resources", f"gpu={asked.get('GPUS', '1')}"]
    where = ["--profile", f"configs/{asked['PROFILE']}"] if asked.get("PROFILE") else here
    return ["snakemake", "--quiet", "rules", "progress", "host", "reason", *where, "--nolock", "--rerun-incomplete", "--keep-going",
        *(["--forceall"] if asked.get("FRESH") else []), "--config", *config]

def passes(asked, folder, lock):
    """Snakemake until nothing is left, or something failed. Once is not enough after an edit: Snakemake 9 does not look
    at a page in the pass that reruns a page it needs, because it expects to run it anyway."""
    made = lambda: {f: f.stat().st_mtime_ns for f in folder.rglob("*.made")}
    while True:
        before = made()
        snakemake = subprocess.Popen([sys.executable, "-m", *command(asked)], pass_fds=[lock.fileno()]) # holds the lock too
        try: code = snakemake.wait()
        except KeyboardInterrupt: return snakemake.wait() # it was interrupted as well, and stops its pages
        if code or made() == before: return code
        asked = {k: v for k, v in asked.items() if k != "FRESH"}

def main(words):
    "Make a run or a sweep: Snakemake, then how the run compares with the reference, then what failed."
    asked = asked_for(words)
    settings = preset(asked.get("PRESET", "phantom"))
    if asked.get("SWEEP") and (both := {"RUN", "BACKBONE", "SEED", "PAGES"} & set(asked)):
        raise ValueError(f"{sorted(both)[0]}= has no place in a sweep: configs/sweep.yaml lists its pages, backbones and seeds")
    run = "sweep" if asked.get("SWEEP") else run_name(settings, {k.lower(): v for k, v in asked.items()})
    folder = outputs()/run
    lock = own(folder, run)
    if asked.get("FRESH"): os.environ["SKINNB_FRESH"] = str(int(time.time()))
    code = passes(asked, folder, lock)
    if (folder/"run.json").exists() and not asked.get("PAGES"): subprocess.call(["skinnb_compare", run])
    look = [f for f in (folder/"report.html", folder/"results.csv") if f.exists()]
    if look: print(f"Look at {look[0]}", flush=True)
    if code: tell(sorted(folder.glob("*/")) if run == "sweep" else [folder])
    if not [f for f in folder.iterdir() if f.name != ".owner.json"]: shutil.rmtree(folder) # refused before it began
    return code

def tell(folders):
    "The last lines of a run that failed."
    for folder in folders:
        for f in failures(folder):
            print(f"FAILED {folder.name}: {f['page']}{', cell ' + f['cell'] if f['cell'] else ''}: {f['message']}", flush=True)

if __name__ == "__main__":
    try: sys.exit(main(sys.argv[1:]))
    except (ValueError, OSError) as e: sys.exit(f"{e}")
