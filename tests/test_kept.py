"Kept results: what makes a key, what does not, and that nothing read from disk can run or lie."
import json, multiprocessing, os, shutil, subprocess, sys, textwrap, time
from pathlib import Path
import numpy as np, pandas as pd, pytest
from conftest import ROOT

def keys(tree):
    "Keys of one training of each paper's page, with the library at `tree`; called in a process of its own."
    for m in [m for m in sys.modules if m.split(".")[0] == "skinnb"]: del sys.modules[m]
    sys.path.insert(0, str(tree))
    import skinnb
    assert Path(skinnb.__file__).is_relative_to(tree)
    from skinnb import imaging
    from skinnb.melanoma_ddpm import classify
    from skinnb.recall_first import train as recall
    from skinnb.study import key_of
    frame, pixels = pd.DataFrame(dict(image_id=["a", "b"], target=[0, 1])), np.zeros((2, 8, 8, 3), np.uint8)
    stages = lambda paper: [imaging.recipe(paper, s, 64) for s in ("train", "eval")]
    one = key_of(classify.arm, frame, pixels, "resnet18", stages("melanoma_ddpm"), n_epochs=2)
    two = key_of(recall.member, frame, pixels, "resnet18", recall.scaled("full"), stages("recall_first"))
    return one, two

def child(tree, queue): queue.put(keys(tree))

def keys_of(tree):
    "The same in a fork of this process, which has torch and the like in memory."
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    process = context.Process(target=child, args=(tree, queue)); process.start()
    found = queue.get(timeout=120); process.join()
    return found

# (file, old, new, does the key of melanoma_ddpm's arm change?, does that of recall_first's member?)
EDITS = [
    ("melanoma_ddpm/classify.py", 'loss="bce", sampler="inverse_class"', 'loss="bce", sampler=None', True, False), # the function itself
    ("batches.py", "p=1/counts[code]/len(counts)", "p=1/counts[code]**2/len(counts)", True, True), # a callee's callee
    ("nets.py", "dropout:float=.4, # share of features dropped in training\n    hidden:int=None, # units of a hidden layer; None", "dropout:float=.3, # share of features dropped in training\n    hidden:int=None, # units of a hidden layer; None", True, True), # a default of a callee
    ("recall_first/train.py", '"label_smoothing": 0.},\n    "schedule"', '"label_smoothing": 0.01},\n    "schedule"', False, False), # another step's setting
    ("data/papers/recall_first.yaml", "  label_smoothing: 0.1\n", "  label_smoothing: 0.2\n", False, True), # this step's setting
    ("data/papers/tone_prune.yaml", "- {op: horizontal_flip, p: 0.5", "- {op: horizontal_flip, p: 0.4", False, False), # an unrelated recipe
    ("train.py", 'early stop and plateau watch', 'early stop or plateau watch', False, False), # a docstring
    ("train.py", "# passes over the training images", "# epochs", False, False), # a comment
    ("metrics.py", "import", "# nothing\nimport", False, False), # a module that trains nothing
]

@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    import fastai.learner, skimage, timm, torchvision # noqa: F401 in memory before the forks
    tree = tmp_path_factory.mktemp("tree")
    shutil.copytree(ROOT/"skinnb", tree/"skinnb", ignore=shutil.ignore_patterns("__pycache__"))
    return tree, keys_of(tree)

@pytest.mark.parametrize("file, old, new, first, second", EDITS, ids=[f"{i}-{e[0]}" for i, e in enumerate(EDITS)])
def test_what_recomputes(tree, file, old, new, first, second):
    folder, before = tree
    path = folder/"skinnb"/file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    try: after = keys_of(folder)
    finally: path.write_text(text); os.utime(path, (time.time() + 5,)*2) # a new time, so that no stale bytecode is used
    assert tuple(a != b for a, b in zip(after, before)) == (first, second)

def test_one_pixel_and_no_machine(tree, monkeypatch):
    "A pixel is part of the key; whether there is a GPU is not."
    import torch
    from skinnb.study import key_of
    from skinnb.train import normalised
    a, b = np.zeros((4, 8, 8, 3), np.uint8), np.zeros((4, 8, 8, 3), np.uint8)
    before = key_of(normalised, a)
    b[3, 7, 7, 2] = 1
    assert key_of(normalised, b) != before
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    torch.set_num_threads(torch.get_num_threads())
    assert key_of(normalised, a) == before

def script(folder, code, **env):
    "A program of its own, as a user would run it."
    path = folder/"program.py"
    path.write_text(textwrap.dedent(code))
    return subprocess.Popen([sys.executable, str(path)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "SKINNB_CACHE": str(folder/"cache"), **env})

def said(process):
    out, err = process.communicate(timeout=180)
    assert process.returncode == 0, err
    return out.split()

def test_two_at_once_compute_once(tmp_path):
    code = f"""
        import time
        from pathlib import Path
        from skinnb.study import kept
        def compute(n): Path({str(tmp_path/"count")!r}).open("a").write("x"); time.sleep(3); return n
        print(kept(compute, 42))
    """
    both = [script(tmp_path, code) for _ in range(2)]
    assert [said(p) for p in both] == [["42"], ["42"]]
    assert (tmp_path/"count").read_text() == "x"

def test_a_planted_file_runs_nothing(tmp_path):
    "Pickles and joblib files in the cache are not even opened; a foreign record is named and replaced."
    code = f"""
        import os, pickle, sys, warnings
        from pathlib import Path
        from skinnb.study import cache_dir, kept, key_of
        class Evil:
            def __reduce__(self): return os.system, ("touch {tmp_path/'harm'}",)
        def compute(n): return n + 1
        folder = cache_dir()/"kept"/f"compute-{{key_of(compute, 1)}}"
        folder.mkdir(parents=True)
        for name in ("record.json", "part-000.bin", "result.joblib"): (folder/name).write_bytes(pickle.dumps(Evil()))
        with warnings.catch_warnings(record=True) as w:
            warnings.simplefilter("always")
            print(kept(compute, 1), len(w), kept(compute, 1), "cannot be read" in str(w[0].message))
    """
    assert said(script(tmp_path, code)) == ["2", "1", "2", "True"] and not (tmp_path/"harm").exists()

def test_found_on_another_machine_and_said(tmp_path):
    "A folder of kept results travels; the table says where its numbers were computed."
    code = """
        import numpy as np, pandas as pd
        from skinnb import study
        study._host = HOST
        def compute(n): study.note(precision="bfloat16"); COMPUTED
        run = study.begin("00_study", run="elsewhere")
        found = study.kept(compute, 3)
        line = {c: "x" for c in study.tidy_columns} | dict(estimate=float(found), protocol="faithful")
        print(run.table(pd.DataFrame([line]), "t").read_text())
    """
    env = dict(SKINNB_OUTPUTS=str(tmp_path/"outputs"))
    here = " ".join(said(script(tmp_path, code.replace("HOST", "'aaaaaa'").replace("COMPUTED", "return n"), **env)))
    there = " ".join(said(script(tmp_path, code.replace("HOST", "'bbbbbb'").replace("COMPUTED", "return n # once more"), **env)))
    assert "computed on" not in here and "in bfloat16" in there and len(list((tmp_path/"cache/kept").glob("compute-*"))) == 1

def test_full_disk_under_the_cache_loses_no_result(tmp_path):
    code = """
        import resource, signal, warnings
        import numpy as np
        from skinnb.study import cache_dir, kept
        def compute(n): return np.arange(n)
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        with warnings.catch_warnings(record=True) as w:
            warnings.simplefilter("always")
            print(kept(compute, 10**5).sum(), "could not be kept" in str(w[0].message))
        print(*(p.name for p in (cache_dir()/"kept").iterdir() if not p.name.startswith(".lock")))
    """
    assert said(script(tmp_path, code)) == ["4999950000", "True"]

def test_many_pages_merge_at_once(tmp_path):
    "Twelve processes end their pages together, with debris of a killed thirteenth beside them: one whole run.json holds all."
    code = """
        import sys
        from skinnb.study import Run
        for i in range(5): Run(f"p{sys.argv[1]}_{i}", "many", 1, {}).finish()
    """
    (tmp_path/"outputs/many/pages").mkdir(parents=True)
    (tmp_path/"outputs/many/pages/.p.aaaaaa-1.01234567.json").write_text("{")
    path = tmp_path/"program.py"; path.write_text(textwrap.dedent(code))
    env = {**os.environ, "PYTHONPATH": str(ROOT), "SKINNB_OUTPUTS": str(tmp_path/"outputs"), "OMP_NUM_THREADS": "1"}
    all_of_them = [subprocess.Popen([sys.executable, str(path), str(i)], cwd=ROOT, env=env, stderr=subprocess.PIPE, text=True) for i in range(12)]
    for p in all_of_them: assert p.wait(300) == 0, p.stderr.read()
    assert len(json.loads((tmp_path/"outputs/many/run.json").read_text())["pages"]) == 60
