"Train elsewhere, read here: skinnb_train in pieces on one machine, the page on another that only has the kept files."
import json, os, shutil, signal, subprocess, sys, time
import pandas as pd
import pytest
from conftest import ROOT, run_papermill

page = "melanoma_ddpm/01_classify"
small = dict(backbone="mobilenetv3_small_050", img_size=32, n_epochs=2, n_lesions=60, n_test=8, n_boot=50, bs=8,
    precision="fp32", threads=1)
# another machine; and a clock by which the time is over after the fifth batch of each call
borrowed = """
import platform, sys
platform.node = lambda: "borrowed"
from skinnb import elsewhere, study, train
left = 5
def over():
    global left
    left -= 1
    if left < 1: raise study.OutOfTime("five batches are over")
over.__module__, over.__qualname__ = "skinnb.study", "check_deadline" # so that it has the place of the other in a key
if "--minutes" in sys.argv: train.check_deadline = over
sys.exit(elsewhere.cli())
"""

def skinnb_train(cache, *words, code=borrowed):
    "The command as a process of another machine."
    env = {**os.environ, "SKINNB_CACHE": str(cache), "SKINNB_PLAIN": "1"}
    given = [w for k, v in small.items() for w in ("-p", k, str(v))]
    return subprocess.run([sys.executable, "-c", code, page, *given, *words], cwd=ROOT, env=env, capture_output=True,
        text=True, timeout=600)

def read(tmp_path, name):
    "Run the page on a cache and an outputs folder of its own: its tables, its record, its text."
    env = {"SKINNB_CACHE": str(tmp_path/f"cache_{name}"), "SKINNB_OUTPUTS": str(tmp_path/name)}
    done = run_papermill(page, tmp_path/f"{name}.ipynb", env=env, **small)
    assert done.returncode == 0, done.stderr[-2000:]
    tables = {p.name: pd.read_csv(p) for p in sorted((tmp_path/name).glob("page/tables/**/*.csv"))}
    return tables, json.loads((tmp_path/name/"page/run.json").read_text()), (tmp_path/f"{name}.ipynb").read_text()

def test_trained_in_pieces_elsewhere_reads_as_trained_here(tmp_path):
    "Interrupted inside epochs, carried over, read: the numbers of a training in peace, and where they were computed."
    codes, standing = [], []
    while 0 not in codes and len(codes) < 30:
        done = skinnb_train(tmp_path/"cache_b", "--minutes", "9")
        codes.append(done.returncode); standing.append(done.stdout)
        assert done.returncode in (0, 3), done.stderr
    assert codes[-1] == 0 and len(codes) >= 3 and set(codes[:-1]) == {3}
    assert "epoch 1, batch 5 of" in standing[0] and "0 of 1 steps done" in standing[0]
    assert "1 of 1 steps done" in standing[-1] and not list((tmp_path/"cache_b/kept/.work").glob("*"))
    assert "done before" in skinnb_train(tmp_path/"cache_b").stdout
    (tmp_path/"cache_a/kept").mkdir(parents=True)
    for folder in (tmp_path/"cache_b/kept").glob("arm-*"): shutil.copytree(folder, tmp_path/"cache_a/kept"/folder.name)
    (peace, at_home, _), (there, record, _) = read(tmp_path, "peace"), read(tmp_path, "a")
    hosts = {r["pages"][page]["kept"][0]["made"]["host"] for r in (at_home, record)}
    assert len(hosts) == 2 # the second was found, not trained here again
    assert list(peace) == list(there) and "table_I.csv" in peace
    for name, table in peace.items():
        pd.testing.assert_frame_equal(table.drop(columns="data"), there[name].drop(columns="data"))
    ours = there["table_I.csv"].query("protocol != 'printed'")
    assert ours.data.str.contains("computed on .* in float32").all()
    assert not peace["table_I.csv"].data.astype(str).str.contains("computed on").any()
    made = record["pages"][page]["kept"][0]["made"]
    assert made["threads"] == 1 and made["precision"] == "float32"

def test_no_time_begins_nothing(tmp_path):
    plain = "import sys; from skinnb.elsewhere import cli; sys.exit(cli())"
    done = skinnb_train(tmp_path, "--minutes", "0", code=plain)
    assert done.returncode == 3 and "0 of 1 steps done" in done.stdout and "remaining" in done.stdout
    assert not list(tmp_path.glob("kept/arm-*"))

wrong = [(["--preset", "fantom"], "'fantom'"), (["-p", "n_epochs", "0"], "n_epochs=0"), (["-p", "bss", "8"], "nearest is 'bs'")]
@pytest.mark.parametrize("words, said", wrong)
def test_wrong_words_are_named(tmp_path, words, said):
    done = skinnb_train(tmp_path, *words)
    assert done.returncode == 2 and said in done.stderr and not list(tmp_path.iterdir())

saving = """
import joblib, sys
from skinnb import elsewhere, study, train
train.fit.__defaults__ = tuple(0. if d == 60. else d for d in train.fit.__defaults__) # saves after every batch
(name, folder, f, given, named), = elsewhere.steps_of(sys.argv[1], elsewhere.parameters_of(sys.argv[1], given=dict(zip(sys.argv[3::3], sys.argv[4::3]))))
print("begins", flush=True)
print(joblib.hash(study.kept(f, *given, **named)["scores"].score.to_numpy()))
"""

def test_killed_inside_an_epoch_goes_on(tmp_path):
    "SIGKILL while the state is being written again and again; the next process ends like one in peace."
    peace = skinnb_train(tmp_path/"peace", code=saving)
    env = {**os.environ, "SKINNB_CACHE": str(tmp_path/"cache"), "SKINNB_PLAIN": "1"}
    words = [w for k, v in small.items() for w in ("-p", k, str(v))]
    victim = subprocess.Popen([sys.executable, "-c", saving, page, *words], cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True)
    while not list(tmp_path.glob("cache/kept/.work/*/training-*.pt")): assert victim.poll() is None; time.sleep(.01)
    time.sleep(.3)
    assert victim.poll() is None
    victim.send_signal(signal.SIGKILL); victim.wait()
    assert not list(tmp_path.glob("cache/kept/arm-*"))
    again = skinnb_train(tmp_path/"cache", code=saving)
    assert peace.returncode == again.returncode == 0, again.stderr
    assert "epoch 2/2" in again.stderr and peace.stdout.splitlines()[-1] == again.stdout.splitlines()[-1]
    assert "damaged" not in again.stderr and not list(tmp_path.glob("cache/kept/.work/*"))
