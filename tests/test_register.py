"The register of findings is complete and says what the committed one says."
import json, os, re
from pathlib import Path
import numpy as np, pandas as pd, pytest
from conftest import ROOT
from skinnb.across.register import as_tidy, collect, register_of
from skinnb.published import facts, papers, printed
from skinnb.tables import Register

COUNTS = dict(M=13, B=22, T=20, R=18, L=19, X=7) # findings by mark
COMMITTED = ROOT/"outputs/reference/phantom/tables/across/table_audit.csv"

@pytest.fixture(scope="module")
def found(): return collect()

def test_every_finding_is_there(found):
    "99 findings, numbered without a gap, in the papers' order."
    assert found.id.tolist() == [f"{m}-{i:02d}" for m, n in COUNTS.items() for i in range(1, n + 1)] and len(found) == 99
    assert [facts(p)["mark"] for p in papers()] == list(COUNTS)[:-1]

@pytest.mark.parametrize("paper", papers())
def test_a_paper_registers_itself(paper):
    "Its findings carry its key and its mark."
    register = register_of(paper)
    assert isinstance(register, Register) and (register.paper, register.mark) == (paper, facts(paper)["mark"])
    assert set(register.frame().paper) == {paper}

def test_the_register_is_the_committed_one(found):
    "Every word, and every number up to the sixth digit."
    theirs = pd.read_csv(COMMITTED, keep_default_na=False)
    ours = as_tidy(found)
    assert list(ours) == list(theirs) and len(ours) == len(theirs)
    for column in theirs.columns.drop("data"): # `data` says in other words where the numbers stand
        a, b = ours[column], theirs[column]
        if pd.api.types.is_float_dtype(a):
            np.testing.assert_allclose(a, pd.to_numeric(b), rtol=1e-5, atol=1e-12, err_msg=column)
        else: assert a.tolist() == b.str.removeprefix("'").where(~a.str.startswith("'"), b).tolist(), column

def test_ids_in_the_pages_exist(found):
    "A finding that a page's prose points to is there."
    mentioned = re.compile(rf"\b[{''.join(COUNTS)}]-[0-2]\d\b") # not "L-50" of a formula
    for page in (ROOT/"nbs").glob("*/[!.]*.ipynb"):
        cells = json.loads(page.read_text(encoding="utf-8"))["cells"]
        prose = "".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
        assert (lost := set(mentioned.findall(prose)) - set(found.id)) <= {"X-08"}, (page, lost) # an exercise

def leaves(known, *at): # every (path, id) of a nested mapping
    if not isinstance(known, dict): return [(at, known)]
    return [leaf for k, v in known.items() for leaf in leaves(v, *at, k)]

@pytest.mark.parametrize("paper", papers())
def test_contradictions_are_recomputed(paper, found):
    "A printed cell is said to contradict others only where the register computes that, of this table; every name is met."
    register = found.set_index("id")
    for (table, *names), ids in leaves(facts(paper).get("contradictions", {})):
        cells = printed(paper, table)
        met = cells.query("contradicts == @ids")
        for name in names: met = met[(met.row == name) | (met.metric == name)]
        assert len(met), f"{paper}, table {table}: no cell of {names} is marked {ids}"
        for id in re.fullmatch(r"[A-Z]-\d\d(, [A-Z]-\d\d)*", ids)[0].split(", "):
            finding = register.loc[id]
            assert finding.paper == paper and finding.status == "confirmed by recomputation", (id, finding.status)
            assert finding.recomputed and np.isfinite(finding.estimate), id
            first, last = re.search(r"Tables? (\w+)(?:.*? to (\d+))?", finding["where"]).groups()
            within = last and first.isdigit() and int(first) <= int(table) <= int(last)
            assert within or re.search(rf"\b{table}\b", finding["where"]), (id, finding["where"], table)

# Quotes. The papers' texts are not ours to publish; where they are at hand, the words in quotation marks must stand in them.

TEXTS = Path(os.environ.get("SKINNB_TEXTS") or ROOT.parent/"shared/papers/texts")
texts = pytest.mark.skipif(not TEXTS.is_dir(), reason="the papers' texts are not at hand; SKINNB_TEXTS names their folder")

def words(text):
    "Words alone: quotation marks, dashes, line breaks and numbered lines differ between a page and its text."
    text = re.sub(r"(?m)^\s*\d{1,3}\s", " ", text)
    return " ".join(re.findall(r"[a-z0-9]+", text.lower()))

def quotes(prose):
    "What stands in single quotation marks, cut at dots that leave something out."
    said = re.findall(r"(?<![A-Za-z0-9])'(.+?)'(?![A-Za-z])", prose)
    return [part for q in said for part in re.split(r"\s*\.\.\.\s*", q) if words(part)]

def test_what_a_quote_is():
    assert quotes("'a ... b' and the paper's 'c d', a test's rule") == ["a", "b", "c d"]
    assert quotes("nothing") == [] and words(" 12 One–two,\n“three”") == "one two three"

@texts
@pytest.mark.parametrize("paper", papers())
def test_quotes_are_verbatim(paper, found):
    "Quotes of the register and of the claims, word for word."
    text = words((TEXTS/facts(paper)["source_file"]).read_text(encoding="utf-8"))
    said = {x.id: quotes(x.finding) for x in found[found.paper == paper].itertuples()}
    said |= {c["id"]: re.split(r"\s*(?:\.\.\.|\[\.\.\.\])\s*", c["quote"]) for c in facts(paper).get("claims", [])}
    assert sum(map(len, said.values())) > 9 # the pattern found quotes at all
    lost = [(id, q) for id, parts in said.items() for q in parts if words(q) not in text]
    assert not lost
