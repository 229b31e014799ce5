"Shared by the tests: the repository root as current folder, and one way to run papermill."
import os, subprocess, sys
from pathlib import Path
import pytest

ROOT = Path(__file__).resolve().parents[1]

@pytest.fixture(autouse=True)
def at_root(monkeypatch): monkeypatch.chdir(ROOT)

def run_papermill(page, out, cwd=ROOT, env=None, **parameters):
    "Run a page with papermill as a user would; returns the finished process."
    flags = [o for k, v in parameters.items() for o in ("-p", k, str(v))]
    page = os.path.relpath(ROOT/"nbs"/f"{page}.ipynb", cwd)
    return subprocess.run([sys.executable, "-m", "papermill", page, str(out), *flags, "--no-progress-bar"], cwd=cwd,
        env={**os.environ, "SKINNB_PLAIN": "1", **(env or {})}, capture_output=True, text=True, timeout=600)
