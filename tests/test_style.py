"What style asks of every page and a program can see: width, length, folded scaffolding, a next page, no paper in a shared chapter."
import json, re
import pytest
from conftest import ROOT
from skinnb.published import facts, papers
from skinnb.study import pages

book = pages().set_index("page")
read = [p for p in book.index if p != "index"]

def cells(page, kind=None):
    found = json.loads((ROOT/f"nbs/{page}.ipynb").read_text(encoding="utf-8"))["cells"]
    return [c for c in found if kind in (None, c["cell_type"])]

def text(cell): return "".join(cell["source"])

@pytest.mark.parametrize("page", read)
def test_lines_fit_a_laptop(page):
    "No line of code over 110 characters: JupyterLab and HTML cut off the rest."
    long = [l for c in cells(page, "code") for l in text(c).splitlines() if len(l) > 110]
    assert not long, f"{len(long)} lines, such as {long[0]}"

@pytest.mark.parametrize("page", [p for p in read if book.paper[p] is None])
def test_shared_chapters_know_no_paper(page):
    "No key, no title, no finding of a paper, in code, prose or checks."
    marks = "".join(facts(p)["mark"] for p in papers())
    names = "|".join([*papers(), *map(re.escape, papers().values()), rf"[{marks}]-\d\d"])
    hits = [(c["id"], m[0]) for c in cells(page) if (m := re.search(rf"\b({names})\b", text(c)))]
    assert not hits

@pytest.mark.parametrize("page", read)
def test_scaffolding_is_folded(page):
    "JupyterLab folds what begins with `#| hide`."
    open_ = [c["id"] for c in cells(page, "code") if text(c).startswith("#| hide")
        and not c["metadata"].get("jupyter", {}).get("source_hidden")]
    assert not open_

@pytest.mark.parametrize("page", read)
def test_a_page_leads_to_the_next(page):
    "The last words link to a page that exists."
    last = text(cells(page, "markdown")[-1])
    links = re.findall(r"\]\(([\w./]+\.ipynb)\)", last.partition("Next")[2])
    assert links and all((ROOT/"nbs"/page).parent.joinpath(l).resolve().exists() for l in links), last[-200:]

def test_every_link_between_pages_leads_somewhere():
    lost = [f"{page}: {l}" for page in book.index for c in cells(page, "markdown")
        for l in re.findall(r"\]\(([\w./]+\.ipynb)\)", text(c)) if not (ROOT/"nbs"/page).parent.joinpath(l).resolve().exists()]
    assert not lost

def test_pages_are_of_a_length():
    "A shared chapter has about 180 cells at most, a paper's page about 120; a longer one is two."
    most = lambda page: 180 if book.paper[page] is None else 120
    long = {p: n for p in read if (n := len(cells(p))) > 1.15*most(p)}
    assert not long
