"The engine: what runs, what runs again, and what does not."
import os, shutil, subprocess, time
from pathlib import Path
from conftest import ROOT

def engine(tree, *args):
    env = {**os.environ, "SKINNB_PLAIN": "1", "OMP_NUM_THREADS": "1"}
    return subprocess.run(["python", "-m", "snakemake", *args, "--cores", "2", "--config", "preset=phantom", "run=engine"], cwd=tree, env=env, capture_output=True, text=True, timeout=300)

def test_a_page_runs_once_and_again_when_it_changed(tmp_path):
    tree = tmp_path/"tree"
    shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(".git", ".venv", ".snakemake", "data", "outputs", ".ipynb_checkpoints"))
    shutil.copytree(ROOT/"skinnb/data", tree/"skinnb/data", dirs_exist_ok=True)
    targets = [f"outputs/engine/notebooks/{p}.ipynb" for p in ("00_study", "02_stats")]
    first = engine(tree, *targets)
    assert first.returncode == 0, first.stdout + first.stderr
    assert all((tree/t).exists() for t in targets)
    start = time.time()
    second = engine(tree, *targets)
    assert "Nothing to be done" in second.stdout + second.stderr and time.time() - start < 60
    page = tree/"nbs/02_stats.ipynb"
    page.write_text(page.read_text().replace("## Exercises", "## Exercises "))
    third = engine(tree, *targets, "--dry-run")
    said = third.stdout + third.stderr
    assert "02_stats" in said and "rule 00_study" not in said
