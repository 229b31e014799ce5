"A plain processor is imitated: no library uses more than its baseline, and nobody chooses bfloat16."
import json, os, subprocess, sys
from conftest import ROOT

ASK = """
import cv2, json, torch
from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__
from skinnb.nets import cpu_dtype
json.dump(dict(torch=torch.backends.cpu.get_cpu_capability(), dtype=str(cpu_dtype(torch.nn.Conv2d(3, 3, 1))),
    numpy=[f for f in __cpu_dispatch__ if __cpu_features__[f]],
    opencv=[f for f in cv2.getCPUFeaturesLine().split() if f.startswith("*") and not f.endswith("?")]), open("said", "w"))
"""

def test_nothing_beyond_the_baseline(tmp_path):
    "Twice in a row, because a command that runs plainly may itself start another one plainly."
    again = ["sh", str(ROOT/"tests/plain.sh")]
    env = {k: v for k, v in os.environ.items() if k not in ("OPENCV_CPU_DISABLE", "NPY_DISABLE_CPU_FEATURES")}
    done = subprocess.run([*again, *again, sys.executable, "-c", ASK], cwd=tmp_path, env={**env, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path/"said").read_text()) == dict(torch="DEFAULT", dtype="torch.float32", numpy=[], opencv=[])
    assert "disable" not in done.stderr # a feature was named that is not there

def test_the_command_decides_the_exit_code():
    assert subprocess.run(["sh", "tests/plain.sh", "sh", "-c", "exit 7"]).returncode == 7
