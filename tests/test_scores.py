"The committed run follows from its published scores, cell by cell, without an image; faulty scores are refused."
import importlib, json, os, shutil
import pandas as pd, pytest
from conftest import ROOT
from skinnb import cohorts, readers, scores, train
from skinnb.runs import compare_lines, read_run
from skinnb.study import page_parameters, pages

RUN = "reference/phantom"
FOLDER = ROOT/"outputs"/RUN
PAGES = [r for r in pages().itertuples()
    if r.module and hasattr(importlib.import_module(f"skinnb.{r.module}"), "from_scores")]

@pytest.fixture
def blind(monkeypatch, tmp_path):
    "No picture is read or drawn, no network is trained or asked; nothing kept is at hand."
    def refuse(*args, **kwargs): raise AssertionError("a picture or a network was asked for")
    for module, name in ((cohorts, "images"), (cohorts, "masks"), (train, "fit"), (train, "predict")):
        monkeypatch.setattr(module, name, refuse)
    monkeypatch.setenv("SKINNB_CACHE", str(tmp_path/"empty"))
    for variable in ("SKINNB_DATA", "SKINNB_WEIGHTS"): monkeypatch.delenv(variable, raising=False)

def test_reference_follows_from_its_scores(blind, tmp_path):
    "Every table that pages make from scores comes out as committed, and so does every verdict."
    found = scores.again_and_there(RUN, tmp_path/"again")
    done, cells = found.tables, found.cells
    made = done[done.why == ""]
    assert {f"{p.page}" for p in PAGES} == set(made.page), "a page with scores has made no table of them"
    assert len(cells) > 700 and cells.status.isin(["identical", "within tolerance"]).all(), compare_lines(cells)
    assert found.n_verdicts > 80 and found.moved.empty, found.moved
    assert found.n_answers > 10 and not found.answers, found.answers
    refused = done[done.why != ""]
    assert set(done.paper + done.table) == set(made.paper + made.table) | set(refused.paper + refused.table)
    assert not set(refused.page) & {p.page for p in PAGES}, refused

@pytest.fixture
def copy(tmp_path):
    "A run of one's own that begins as the committed one."
    shutil.copytree(FOLDER, tmp_path/"mine", ignore=shutil.ignore_patterns("figures", "*.html"))
    return tmp_path/"mine"

def spoil(run, paper, name, change):
    path = run/"scores"/paper/f"{name}.csv.gz"
    change(pd.read_csv(path)).to_csv(path, index=False)

def names_of(page, run): # what a page takes from scores
    info = json.loads((run/"run.json").read_text(encoding="utf-8"))
    params = {k: v for k, (_, v) in page_parameters(page.page).items()} | info["pages"][page.page]["params"]
    params.pop("run")
    return importlib.import_module(f"skinnb.{page.module}").from_scores(run/"scores"/page.paper, **params)

def with_nan(d): return d.assign(score=d.score.where(d.index != d.index[d.split == "test"][0]))
def of_another_split(d): return d.assign(split=d.split.replace({"valid": "test", "test": "valid"}))
def without_images(d): return d.drop(index=d.index[d.split == "test"][:3])

@pytest.mark.parametrize("page", [p for p in PAGES if "trainings" in {f.split(".")[0] for f in
    os.listdir(FOLDER/"scores"/p.paper)}], ids=lambda p: p.page)
@pytest.mark.parametrize("change, says", [
    (with_nan, "has score nan; a number from 0 to 1 is accepted"),
    (of_another_split, "in the list of images"),
    (without_images, "others have no score"),
    (lambda d: d[d.started == "nobody"], "there are no scores of"),
    (lambda d: d.drop(columns="started"), "columns ['started'] are missing"),
    (lambda d: pd.concat([d, d]), "two scores")], ids=["NaN", "another split", "images lost", "member lost",
        "column lost", "twice"])
def test_faulty_scores_are_refused(copy, page, change, says):
    spoil(copy, page.paper, "trainings", change)
    with pytest.raises(ValueError) as e: names_of(page, copy)
    assert says in str(e.value)

def test_a_run_without_scores_says_so(copy, capsys, monkeypatch):
    shutil.rmtree(copy/"scores")
    monkeypatch.setenv("SKINNB_OUTPUTS", str(copy.parent))
    assert scores.recompute_cli("mine") == 2
    assert "images.csv.gz does not exist; there are no scores" in capsys.readouterr().err

def test_another_score_is_another_table(copy, tmp_path):
    "A table that does not follow from its scores is seen, and so is the verdict that goes with it."
    page = PAGES[0]
    lower = lambda d: d.assign(score=d.score.where(d.target == 0, d.score/4))
    spoil(copy, page.paper, "trainings", lower)
    found = read_run("mine", copy.parent)
    only = dict(found.info, pages={page.page: found.info["pages"][page.page]})
    (copy/"run.json").write_text(json.dumps(only), encoding="utf-8")
    found = scores.again_and_there("mine", tmp_path/"again", copy.parent)
    assert (found.tables.why == "").all() and (found.cells.status == "different").any() and not found.agrees

# ---- what a data set records of its patients is not ours to publish

OURS = {"image_id", "lesion_id", "patient_id", "target", "split", "source"} # of the columns of a cohort

def recorded(folder):
    "(file, column) of what a data set records of its patients, in the scores of a paper, unless all its images are phantoms."
    files = {f.name: pd.read_csv(f, low_memory=False) for f in sorted(folder.glob("*.csv.gz"))}
    sources = {s for t in files.values() if "source" in t for s in t.source}
    if sources == {"phantom"}: return []
    return [(name, c) for name, t in files.items() for c in t if c in set(readers.columns) - OURS]

def test_nothing_recorded_of_a_patient_is_published(copy):
    for run in sorted((ROOT/"outputs/reference").iterdir()):
        for folder in sorted((run/"scores").glob("*")): assert not recorded(folder), (run.name, recorded(folder))
    spoil(copy, "recall_first", "images", lambda d: d.assign(source="ham10000"))
    assert recorded(copy/"scores/recall_first") == [("images.csv.gz", c) for c in ("sex", "age", "site")]

def only(copy, data, *pages):
    "The run with some pages alone, its patients taken off, as if it were made on `data`."
    spoil(copy, "recall_first", "images", lambda d: d.drop(columns=["sex", "age", "site"]))
    info = read_run(copy.name, copy.parent).info
    pages = {p: info["pages"][p] for p in pages}
    for page in pages.values(): page["params"]["data"] = data
    (copy/"run.json").write_text(json.dumps(dict(info, pages=pages)), encoding="utf-8")

def test_patients_are_read_from_the_data_set_itself(blind, copy, tmp_path):
    only(copy, "phantom", "recall_first/04_fairness")
    found = scores.again_and_there("mine", tmp_path/"again", copy.parent)
    assert set(found.tables.table) == {"8", "8_gaps", "8_attributes"}
    assert (found.tables.why == "").all() and found.agrees, compare_lines(found.cells)

def test_a_data_set_that_is_not_at_hand_withholds_one_table(blind, copy, tmp_path):
    only(copy, "ham10000", "recall_first/04_fairness", "recall_first/04a_repair")
    found = scores.again_and_there("mine", tmp_path/"again", copy.parent)
    lost = found.tables[found.tables.why != ""]
    assert lost.table.tolist() == ["8_attributes"] and found.agrees, compare_lines(found.cells)
    for word in ("sex, age, site", "ham10000", "SKINNB_DATA"): assert word in lost.why.iloc[0]
    said = [l for l in scores.recomputed_lines(found) if l.endswith(": recall_first/8_attributes")]
    assert len(said) == 1 and said[0].startswith("not from scores, its rows by sex, age, site")
    assert len(found.cells) > 100 and (tmp_path/"again/mine/tables/recall_first/table_8_gaps.csv").exists()
