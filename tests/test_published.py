"The printed numbers in the package are the ones that were extracted from the papers, and the command line lists them all."
import subprocess, sys
import pytest, yaml
from conftest import ROOT
from skinnb.published import printed, published, row_keys, value

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

def test_coverage_from_the_command_line(tmp_path):
    "As a console script calls it: the run is a plain argument; a run that is not there is said."
    (tmp_path/"skinnb_coverage").write_text("import sys\nfrom skinnb.report import coverage_cli\nsys.exit(coverage_cli())")
    command = lambda *args: subprocess.run([sys.executable, tmp_path/"skinnb_coverage", *args], capture_output=True, text=True)
    done = command("no_such_run")
    assert done.returncode == 0, done.stderr
    assert "no run 'no_such_run'" in done.stdout and "27 tables: 0 made" in done.stdout and "43 figures: 0 made" in done.stdout
    assert command("--runn", "x").returncode == 2 and "folder under outputs" in command("--help").stdout
