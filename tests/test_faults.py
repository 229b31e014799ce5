"Faults that a user meets: typing errors, a full disk, a killed run, two runs at once."
import os, signal, subprocess, sys, textwrap, time
from pathlib import Path
import pytest
from conftest import ROOT, run_papermill
from skinnb.study import check_parameters, page_parameters, pages

small = dict(img_size=32, n_epochs=1, n_lesions=60, n_test=8, n_boot=50)

def python(code, **env):
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], cwd=ROOT, env={**os.environ, **env}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

@pytest.mark.parametrize("cwd", [ROOT, ROOT/"nbs"])
def test_unknown_parameter(cwd, tmp_path):
    "Plain papermill would warn and run on with the default."
    done = run_papermill("melanoma_ddpm/01_classify", tmp_path/"o.ipynb", cwd=cwd, bakbone="resnet50")
    assert done.returncode and "unknown parameter of" in done.stderr and "'bakbone'" in done.stderr and "nearest is 'backbone'" in done.stderr

@pytest.mark.parametrize("given, said", [
    (dict(backbone="resnet81"), "resnet81"),
    (dict(backbone="vit_tiny_patch16_224", img_size=63), "63"),
    (dict(data="ham1000"), "unknown data 'ham1000'; nearest is 'ham10000'"),
    (dict(n_epochs="two"), "n_epochs='two'"),
    (dict(n_epochs=-1), "n_epochs=-1"),
    (dict(run="../elsewhere"), "run='../elsewhere'"),
    (dict(run=".."), "run='..'"),
])
def test_bad_values_stop_before_work(given, said, tmp_path):
    done = run_papermill("melanoma_ddpm/01_classify", tmp_path/"o.ipynb", env={"SKINNB_OUTPUTS": str(tmp_path/"outputs"), "SKINNB_CACHE": str(tmp_path/"cache")}, **{**small, **given})
    assert done.returncode and said in done.stderr
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == ["o.ipynb"]

def bad(name, kind, default):
    "Values of a parameter that no page may accept."
    if kind in ("int", "float"): return ["two", None, True, [1], float("nan"), float("inf"), -10**12, 10**12]
    if name == "backbones": return ["resnet18", [], ["resnet81"], ["resnet18", "resnet18"], [7], [None]]
    if name == "others": return ["resnet18", ["resnet81"], ["resnet18", "resnet18"], [7], 7]
    if kind == "list": return ["one", ["one", "one"], 7]
    if kind == "bool": return ["yes", 2, None]
    return [7, None, ["x"]] + (["resnet81", "../x"] if name == "backbone" else [])

def test_every_parameter_refuses_what_makes_no_sense():
    "173 bad values were tried by hand once; this tries every kind on every parameter of every page."
    tried = 0
    for page in pages().page:
        declared = page_parameters(page)
        for name, (kind, default) in declared.items():
            for value in bad(name, kind, default):
                tried += 1
                with pytest.raises((ValueError, TypeError), match=f"{name}="): check_parameters({name: value}, declared, page)
            check_parameters({name: default}, declared, page)
    assert tried > 500

def test_unknown_preset():
    done = subprocess.run(["make", "outputs", "PRESET=fantom"], capture_output=True, text=True)
    said = done.stdout + done.stderr
    assert done.returncode and "'fantom'" in said and "nearest is 'phantom'" in said and "paper" in said

def test_full_disk_leaves_the_old_result(tmp_path):
    "The system refuses to let a file grow: the old table survives, no debris stays."
    done = python("""
        import resource, signal, pandas as pd
        from pathlib import Path
        from skinnb.study import begin, tidy_columns
        run = begin("00_study", run="full")
        frame = pd.DataFrame([{c: 1 for c in tidy_columns}])
        path = run.table(frame, "x"); before = path.read_bytes()
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        try: run.table(pd.concat([frame]*50_000), "x")
        except OSError as e: print("refused", e.errno)
        assert path.read_bytes() == before and [p.name for p in path.parent.iterdir()] == ["table_x.csv"]
    """, SKINNB_OUTPUTS=str(tmp_path))
    out, err = done.communicate(timeout=120)
    assert done.returncode == 0, err
    assert "refused" in out

def test_killed_run_ends_like_an_undisturbed_one(tmp_path):
    "Kill a run between two trainings, rerun it: the tables equal those of a run left in peace."
    def page(name, cache):
        return subprocess.Popen([sys.executable, "-m", "papermill", "nbs/melanoma_ddpm/01_classify.ipynb", str(tmp_path/f"{name}.ipynb"), "--no-progress-bar", "-p", "n_seeds", "2",
            *[o for k, v in small.items() for o in ("-p", k, str(v))]], cwd=ROOT, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "SKINNB_OUTPUTS": str(tmp_path/name), "SKINNB_CACHE": str(tmp_path/cache), "SKINNB_PLAIN": "1"})
    peace = page("peace", "cache_a")
    assert peace.wait(600) == 0, peace.stderr.read()
    victim = page("victim", "cache_b")
    while not list(tmp_path.glob("cache_b/kept/arm-*")):
        assert victim.poll() is None, victim.stderr.read()
        time.sleep(.05)
    os.killpg(victim.pid, signal.SIGKILL); victim.wait()
    assert not list(tmp_path.glob("victim/**/table_I.csv"))
    again = page("victim", "cache_b")
    assert again.wait(600) == 0, again.stderr.read()
    a, b = (sorted((tmp_path/n).glob("page/tables/**/*.csv")) for n in ("peace", "victim"))
    assert a and [p.name for p in a] == [p.name for p in b]
    assert [p.read_bytes() for p in a] == [p.read_bytes() for p in b]
