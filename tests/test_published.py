"The printed numbers in the package are the ones that were extracted from the papers, and the command line lists them all."
import subprocess, sys
import pandas as pd, pytest, yaml
from conftest import ROOT
from skinnb.published import papers, printed, published, row_keys, row_names, value, wide

SOURCE = ROOT.parent/"shared/papers/published.yaml"
TABLES = [(p, t) for p, f in published().items() for t in f["tables"]]

@pytest.mark.skipif(not SOURCE.exists(), reason="the extraction ../shared/papers/published.yaml is not on this machine; only its copies in the package are")
def test_package_data_is_the_extraction():
    "What a paper prints, as it was extracted; what else is known of it stands in the same file."
    extracted, ours = yaml.safe_load(SOURCE.read_text(encoding="utf-8")), published()
    assert list(extracted) == list(ours) and len(TABLES) == 27
    assert {p: {k: ours[p][k] for k in fact} for p, fact in extracted.items()} == extracted

@pytest.mark.parametrize("paper, table", TABLES, ids=[f"{p}-{t['id']}" for p, t in TABLES])
def test_every_table(paper, table):
    "Unique addresses, no cell lost, every number equal to the file's, bit by bit."
    tidy, keys = printed(paper, table["id"]), row_keys(paper, table["id"])
    metrics = [c for c in table["columns"] if c not in keys]
    assert not tidy.duplicated(["row", "metric"]).any() and len(tidy) == len(metrics)*len(table["rows"])
    assert set(table["units"]) <= set(metrics) and (tidy.unit != "").all()
    found = tidy.set_index(["row", "metric"]).estimate
    for row, line in zip(dict.fromkeys(tidy.row), table["rows"]):
        for column, v in zip(table["columns"], line):
            if column in keys: continue
            number = isinstance(v, (int, float)) and not isinstance(v, bool)
            assert found[row, column] == v if number else found[row, column] != found[row, column]
            assert value(paper, table["id"], row, column) == v

def test_how_many_there_are():
    "The one place that counts: five papers, 27 tables, 43 figures, and a letter for each paper's findings."
    known = published()
    assert list(papers()) == ["melanoma_ddpm", "bio_unet", "tone_prune", "recall_first", "lora_tone"]
    assert [sum(len(p[kind]) for p in known.values()) for kind in ("tables", "figures")] == [27, 43]
    assert "".join(p["mark"] for p in known.values()) == "MBTRL"

def test_plan_and_exceptions_name_everything_once():
    "A table or figure is planned for one page, or never reproduced for a reason."
    for paper, known in published().items():
        planned = [f"{kind} {id}" for topic in known["plan"].values() for kind in ("table", "figure") for id in topic[f"{kind}s"]]
        never = known.get("not_reproduced", {})
        every = [f"{kind} {e['id']}" for kind in ("table", "figure") for e in known[f"{kind}s"]]
        assert sorted([*planned, *never]) == sorted(every), paper
        assert all(never.values())

def test_printed_words_and_split_cells():
    "What is printed as words or with two numbers in one cell; two names where the first column does not tell rows apart."
    assert value("recall_first", "3", "Value", "recall") == .8785
    assert value("recall_first", "5", "Xie et al.", "recall") == "N/R"
    assert wide("lora_tone", "2").original[0] == "3,165 (223 dark)"
    keys = {(p, t["id"]): row_keys(p, t["id"]) for p, t in TABLES}
    two = {("melanoma_ddpm", t): ["backbone", "fitzpatrick"] for t in ("II", "III")}
    assert {k: v for k, v in keys.items() if len(v) > 1} == two
    names = row_names("melanoma_ddpm", "II")
    assert names[0] == "ResNet18 | FST 1" and len(set(names)) == 24
    assert row_names("tone_prune", "1") == [f"FST {n}" for n in ("I", "II", "III", "IV", "V", "VI")]

def test_the_printed_string_of_every_number():
    "A plain printed number is the number itself; 14 cells print more: bounds of ITA classes, originals with their dark share."
    every = pd.concat([printed(p, t["id"]) for p, t in TABLES], ignore_index=True)
    numbers = every[every.estimate.notna()]
    plain = numbers[numbers.printed.str.fullmatch(r"-?[\d.,]+%?")]
    assert plain.printed.str.replace("[,%]", "", regex=True).astype(float).tolist() == plain.estimate.tolist()
    assert len(numbers) - len(plain) == 10 + 4 and every.ci_low.isna().all()

def test_coverage_from_the_command_line(tmp_path):
    "As a console script calls it: the run is a plain argument; a run that is not there is said."
    (tmp_path/"skinnb_coverage").write_text("import sys\nfrom skinnb.report import coverage_cli\nsys.exit(coverage_cli())")
    command = lambda *args: subprocess.run([sys.executable, tmp_path/"skinnb_coverage", *args], capture_output=True, text=True)
    done = command("no_such_run")
    assert done.returncode == 0, done.stderr
    assert "no run 'no_such_run'" in done.stdout and "27 tables: 0 made" in done.stdout and "43 figures: 0 made" in done.stdout
    assert command("--runn", "x").returncode == 2 and "folder under outputs" in command("--help").stdout
