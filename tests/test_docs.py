"The site of `make docs`, built whole from two made-up pages and one module: what it shows, and that every link leads somewhere."
import html, re, sys
from html.parser import HTMLParser
from urllib.parse import unquote
import nbformat, pandas as pd, pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from conftest import ROOT
import skinnb

pytest.importorskip("sphinx", reason="the extra `docs` is not installed: make env sets it up")
sys.path.insert(0, str(ROOT/"tools"))
import docs

LIBRARY = '''"""A toy, with <b>HTML</b> in its words."""
__all__ = ["limit", "twice", "Pair"]

# %% ../nbs/10_toy.ipynb #c0ffee01
from dataclasses import dataclass
import numpy as np
limit = 3

def twice(
    x:np.ndarray, # values, shape (n,); `NaN` | <i>stays</i>
    by=np.ones(2), # an array as default
    **more, # by name
)->np.ndarray: # twice as large
    "Double *without* emphasis."
    return 2*x

# %% ../nbs/10_toy.ipynb #c0ffee02
@dataclass(frozen=True)
class Pair:
    "Two numbers."
    a:int # the first
    b:int=2 # the second

    def total(self)->int: # their sum
        "Add."
        return self.a + self.b
'''
BOOK = pd.DataFrame([("index", None, None, "Toys"), ("10_toy", "toy", None, "A toy"), ("made_up/01_more", None, "made_up", "More")],
    columns=["page", "module", "paper", "title"]).astype(object)
BOOK = BOOK.where(BOOK.notna(), None)

def write(path, *cells):
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=list(cells)), path)

def toys(tree):
    "The three pages in `tree/nbs`, one of them executed in `tree/run`."
    (tree/"notes.csv").write_text("a,b\n")
    badge = "[![badge](https://img.example/b.svg)](../notes.csv)"
    write(tree/"nbs/index.ipynb", new_markdown_cell(f"# Toys\n\n{badge} and [the toy](10_toy.ipynb)"))
    shown = new_output("execute_result", {"text/html": "<table><tr><td>41.5</td></tr></table>", "text/plain": "41.5"})
    bars = new_output("display_data", {"application/vnd.jupyter.widget-view+json": {"model_id": "1"}})
    cells = [new_markdown_cell("# A toy"), new_code_cell("#| default_exp toy"), new_code_cell("#| export\nlimit = 3", id="c0ffee01"),
        new_code_cell("#| export\ndef twice(x): return 2*x\nclass Pair: pass", id="c0ffee02"), new_code_cell("#| hide\nscaffolding = 1"),
        new_markdown_cell("## Two by two\n\nHere `twice` doubles $\\big(\\hat p\\big)$:\n\n$$\\frac{k}{n}$$"), new_code_cell("twice(x)")]
    write(tree/"nbs/10_toy.ipynb", *cells)
    for c in cells[-1:]: c.outputs = [shown, bars]
    write(tree/"run/notebooks/10_toy.ipynb", *cells)
    more = "# More\n\n[a heading](../10_toy.ipynb#Two-by-two), the column `Pair`, the function `toy.twice`"
    write(tree/"nbs/made_up/01_more.ipynb", new_markdown_cell(more), new_code_cell("1 + 1"))

@pytest.fixture(scope="module")
def site(tmp_path_factory):
    tree = tmp_path_factory.mktemp("docs")
    toys(tree)
    (tree/"lib").mkdir()
    (tree/"lib/toy.py").write_text(LIBRARY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(docs, "root", tree)
        patch.setattr(skinnb, "__path__", [*skinnb.__path__, str(tree/"lib")])
        noted, failed = docs.write_site(BOOK, tree/"run", tree/"_proc", tree/"_docs")
    assert (noted, failed) == (1, 0)
    return tree/"_docs"

class Links(HTMLParser):
    "What a page points to, what it loads, and the places in it."
    def __init__(self, path):
        super().__init__()
        self.to, self.loads, self.ids = [], [], set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.ids |= {attrs.get("id")}
        if tag == "a" and "href" in attrs: self.to.append(attrs["href"])
        self.loads += [attrs[k] for k in ("src", "href") if k in attrs and tag in ("script", "img", "link", "iframe")]

def lost(site):
    "Links inside a site that lead nowhere, and what it would load from elsewhere."
    pages = {p.resolve(): Links(p) for p in site.rglob("*.html") if "_static" not in p.parts}
    for path, page in pages.items():
        yield from (f"{path.name} loads {o}" for o in page.loads if re.match(r"(https?:)?//", o))
        for link in (o for o in page.to + page.loads if not re.match(r"\w+:|//", o)):
            file, _, place = unquote(link.partition("?")[0]).partition("#")
            there = (path.parent/file).resolve() if file else path
            if not there.exists() or place and there in pages and place not in pages[there].ids: yield f"{path.name}: {link}"

def test_every_link_leads_somewhere_and_nothing_is_loaded_from_elsewhere(site):
    assert not list(lost(site))

def test_lost_links_are_seen(tmp_path):
    (tmp_path/"a.html").write_text('<a href="b.html"></a><a href="#x"></a><img src="//far/x.png"><p id="y"><a href="#y">')
    assert len(list(lost(tmp_path))) == 3

def test_a_page_reads_as_it_was_executed(site):
    page = (site/"10_toy.html").read_text()
    assert "41.5" in page and "#|" not in page and "default_exp" not in page
    assert re.search(r"<details[^>]*>(?:(?!</details>).)*scaffolding", page, re.S), "what is hidden is not folded"
    assert page.count("<math") == 2 and not re.search(r"<script[^>]*(mathjax|widget)", page, re.I)
    assert 'href="reference/toy.html#skinnb.toy.twice"' in page, "a name in the prose does not lead to its entry"
    more = re.findall(r'href="../reference/toy.html#skinnb.toy.(\w+)"', (site/"made_up/01_more.html").read_text())
    assert more == ["twice"], "a column is no name of the library"
    assert "did not execute" not in page and "did not execute" in (site/"made_up/01_more.html").read_text()

def test_contents_in_the_order_of_the_pages(site):
    side = (site/"index.html").read_text().partition("caption-text")[2]
    order = [side.index(o) for o in ("Images", 'href="10_toy.html"', "made_up", 'href="made_up/01_more.html"', "Reference")]
    assert order == sorted(order)

def test_reference_shows_docments(site):
    page = (site/"reference/toy.html").read_text()
    rows = [[html.unescape(re.sub(r"<[^>]+>", "", c)).strip() for c in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", r, re.S)]
            for r in re.findall(r"<tr.*?</tr>", page, re.S)]
    assert ["x", "ndarray", "values, shape (n,); NaN | <i>stays</i>"] in rows and ["more", "", "by name"] in rows
    assert ["returns", "ndarray", "twice as large"] in rows and ["b", "int", "the second"] in rows
    assert ["returns", "int", "their sum"] in rows
    said = re.sub(r"<[^>]+>", "", page)
    assert "twice(x, by=array([1., 1.]), **more)" in said and "Pair(a, b=2)" in said
    assert "Double *without* emphasis." in page and "&lt;b&gt;HTML&lt;/b&gt;" in page
    assert 'href="../10_toy.html#cell-c0ffee01"' in page and 'href="../10_toy.html#cell-c0ffee02"' in page

def test_names_are_found_by_the_search(site):
    index = (site/"searchindex.js").read_text()
    assert "twice" in index and '"total"' in index

def test_a_link_that_leads_nowhere_fails(tmp_path, monkeypatch):
    monkeypatch.setattr(docs, "root", tmp_path)
    write(tmp_path/"nbs/index.ipynb", new_markdown_cell("# Toys\n\n[gone](11_gone.ipynb)"))
    assert docs.write_site(BOOK[:1], tmp_path/"run", tmp_path/"_proc", tmp_path/"_docs") == (0, 1)

def test_an_edit_after_the_run_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(docs, "root", tmp_path)
    toys(tmp_path)
    write(tmp_path/"run/notebooks/made_up/01_more.ipynb", new_markdown_cell("# More"), new_code_cell("1 + 2"))
    assert "edited" in docs.prepare("made_up/01_more", tmp_path/"run/notebooks/made_up/01_more.ipynb", tmp_path/"_proc")

@pytest.mark.parametrize("word, said", [("RUN=none", "no run 'none'"), ("PAGES=index", "no place"), ("PRESET=fantom", "'phantom'")])
def test_odd_words_are_refused(word, said, tmp_path, monkeypatch):
    monkeypatch.setenv("SKINNB_OUTPUTS", str(tmp_path))
    with pytest.raises(ValueError, match=said): docs.main([word])
    assert not list(tmp_path.iterdir())
