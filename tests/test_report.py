"The report is sound HTML, holds every table of the run, and executes nothing that a row or a message says."
import html.parser, json, os, re, shutil, subprocess
import pandas as pd, pytest
from conftest import ROOT
from fastcore.xml import to_xml
from skinnb.published import read_table
from skinnb.verdicts import phantom_caution, side_by_side, table_html
from skinnb.report import report, with_margins

VOID = {"meta", "img", "br", "hr", "link", "input", "col"}

class Tree(html.parser.HTMLParser):
    "Every element is closed in turn; cells of every table row are counted with their spans."
    def __init__(self):
        super().__init__()
        self.open, self.ids, self.links, self.scripts, self.uneven, self.spans = [], [], [], 0, [], []
    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.scripts += tag == "script" or any(a.startswith("on") for a in attrs)
        self.ids += [attrs["id"]] if "id" in attrs else []
        self.links += [attrs[a] for a in ("href", "src") if a in attrs]
        if tag == "table": self.spans, self.width = [], None
        if tag == "tr": self.cells = sum(s > 0 for s in self.spans); self.spans = [s - 1 for s in self.spans if s > 1]
        if tag in ("td", "th"):
            self.cells += 1
            if int(attrs.get("rowspan", 1)) > 1: self.spans.append(int(attrs["rowspan"]) - 1)
        if tag not in VOID: self.open.append(tag)
    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-3:]} at {self.getpos()}"
        self.open.pop()
        if tag == "tr":
            self.width = self.width or self.cells
            if self.cells != self.width: self.uneven.append(self.getpos())

def parsed(page):
    tree = Tree()
    tree.feed(page.read_text(encoding="utf-8")); tree.close()
    assert tree.open == []
    return tree

EVIL = '<script>alert("1")</script>'

@pytest.fixture(scope="module")
def run(tmp_path_factory):
    "The committed phantom run with a planted script in a row's name, a failure and a parameter."
    base = tmp_path_factory.mktemp("outputs")
    shutil.copytree(ROOT/"outputs/reference/phantom", base/"snapshot")
    (base/"snapshot/report.html").unlink(missing_ok=True)
    csv = base/"snapshot/tables/recall_first/table_leak.csv"
    table = pd.read_csv(csv, dtype=str, keep_default_na=False)
    table.assign(row=table.row.replace("test", EVIL)).to_csv(csv, index=False, lineterminator="\n")
    (base/"snapshot/failed.json").write_text(json.dumps([dict(page="melanoma_ddpm/01_classify", cell=7, message=EVIL)]))
    info = json.loads((base/"snapshot/run.json").read_text())
    info["pages"]["10_phantoms"]["params"]["note"] = EVIL
    (base/"snapshot/run.json").write_text(json.dumps(info))
    os.chdir(ROOT)
    report("snapshot", base)
    return base/"snapshot"

def test_well_formed_and_escaped(run):
    tree, text = parsed(run/"report.html"), (run/"report.html").read_text()
    assert tree.scripts == 1 and EVIL not in text and text.count("&lt;script&gt;") >= 3 # ours, at the end
    assert tree.uneven == [] and len(tree.ids) == len(set(tree.ids))

def test_every_table_and_figure_is_there(run):
    ids = set(parsed(run/"report.html").ids)
    for kind, ending in (("table", "csv"), ("figure", "png")):
        files = list(run.glob(f"{kind}s/*/{kind}_*.{ending}"))
        assert len(files) > 15
        assert not [f for f in files if f"{f.parent.name}-{kind}-{f.stem.partition('_')[2]}" not in ids]

class Cells(html.parser.HTMLParser):
    "The table bodies of a page as a browser lays them out: one list of texts per row, spanned cells repeated."
    def __init__(self):
        super().__init__()
        self.heads, self.rows, self.held, self.text = [], [], {}, None
    def handle_starttag(self, tag, attrs):
        if tag == "tr": self.row = {}
        if tag in ("td", "th"): self.text, self.span = "", int(dict(attrs).get("rowspan", 1))
    def handle_data(self, data):
        if self.text is not None: self.text += data
    def place(self): # cells that hang down from rows above
        while self.held.get(len(self.row), (0, ""))[0]:
            left, text = self.held[len(self.row)]
            self.held[len(self.row)] = left - 1, text
            self.row[len(self.row)] = text
    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.place()
            self.held[len(self.row)] = self.span - 1, self.text
            self.row[len(self.row)] = self.text
            self.text = None
        if tag == "tr": self.place(); self.rows.append(list(self.row.values()))
        if tag == "thead": self.heads.append(self.rows.pop())
        if tag == "tbody": assert not any(left for left, _ in self.held.values()), "a name spans more lines than there are"

RUNS = [("phantom", f) for f in sorted((ROOT/"outputs/reference/phantom/tables").glob("*/table_*.csv"))]
RUNS += [("real", f) for f in sorted((ROOT/"outputs/reference/real/tables").glob("*/table_*.csv"))]

@pytest.mark.parametrize("name, csv", RUNS, ids=[f"{n}-{f.parent.name}-{f.stem}" for n, f in RUNS])
def test_every_cell_stands_under_its_row_and_its_heading(name, csv):
    "As a browser lays the table out: every row is as long as the header, and says under its own name what the file says."
    side = side_by_side(with_margins(read_table(csv), csv))
    cells = Cells()
    cells.feed(to_xml(table_html(side), indent=False))
    head = cells.heads[0]
    assert head[:2] == ["", "metric"] and {len(row) for row in cells.rows} <= {len(h) for h in cells.heads}
    shown = [c for c in ("faithful", "corrected") if c in head]
    bare = lambda text: text.replace(" ", "").replace("–", "")
    said = sorted((row[0], row[1], *(bare(row[head.index(c)]) for c in shown)) for row in cells.rows if len(row) == len(head))
    ran = side.row.isin(side[side.faithful.ne("") | side.corrected.ne("")].row) if len(cells.heads) > 1 else side.row == side.row
    wanted = sorted((r["row"], r["metric"], *(bare(r[c]) for c in shown)) for r in side[ran].to_dict("records"))
    assert set(wanted) <= set(said) and len(cells.rows) == len(side)

def test_rows_that_stand_apart_are_among_them():
    "The check above meets tables whose rows the file has in turn."
    tables = [pd.read_csv(f, dtype=str, keep_default_na=False) for _, f in RUNS]
    assert sum((t.row != t.row.shift()).sum() > t.row.nunique() for t in tables) > 20

def test_links_lead_somewhere(run):
    tree = parsed(run/"report.html")
    assert not [l for l in tree.links if l[0] != "#" and not (run/l.partition("#")[0]).exists()]
    assert not [l for l in tree.links if l[0] == "#" and l[1:] not in tree.ids]

@pytest.mark.parametrize("file, content, named", [
    ("run.json", "{", "run.json"), ("run.json", "[1]", "run.json"), ("run.json", None, "run.json"),
    ("failed.json", '{"page": 1}', "failed.json"), ("tables/recall_first/table_2.csv", "row,metric\n1,2\n", "table_2.csv"),
    ("tables/recall_first/table_2.csv", "", "table_2.csv"), ("tables/foreign/table_x.csv", "a;b\n", "table_x.csv"),
    ("figures/recall_first/figure_9.png", "text", "figure_9.png"), ("tables/across/claims.csv", "id,answer\nC,yes\n", "claims.csv"),
    ("tables/across/claims.csv", "", "claims.csv"), ("tables/across/claims.csv", 'a,b\n"', "claims.csv"),
    ("tables/across/claim_cells.csv", "claim,table\nC,1\n", "claim_cells.csv"), ("notebooks/10_phantoms.ipynb", "{", "10_phantoms.ipynb")])
def test_damaged_run_is_reported_all_the_same(run, tmp_path, file, content, named):
    "The file is named, and the rest is there."
    shutil.copytree(run, tmp_path/"hurt")
    for table in (tmp_path/"hurt/tables").glob("*/*"): # two small chapters are enough
        if table.parent.name not in ("recall_first", "tone_prune") or "8" in table.name: table.unlink()
    path = tmp_path/"hurt"/file
    path.parent.mkdir(exist_ok=True, parents=True)
    path.unlink() if content is None else path.write_text(content)
    page = report("hurt", tmp_path)
    box = re.search(r'<div class="note fail"><strong>1 file of.*?</div>', page.read_text(), re.S)[0]
    assert named in box and str(tmp_path) not in page.read_text() and "tone_prune-table-2" in parsed(page).ids

@pytest.mark.parametrize("name", ["..", "../x", "reference", "/tmp", "a/b", ""])
def test_names_that_lead_elsewhere(name, tmp_path):
    with pytest.raises(ValueError, match="one plain name"): report(name, tmp_path)
    assert list(tmp_path.iterdir()) == []

# Claims: their answers and the cells that decided them come from two files of the run.

CLAIM = dict(paper="melanoma_ddpm", id="C-M-1", protocol="corrected", answer="supported", because=EVIL, data="made up")
CELL = dict(claim="C-M-1", protocol="corrected", table="I", row=EVIL, metric="roc_auc", printed="0.8543", estimate="0.84",
    ci_low="0.80", ci_high="0.88", n="378")

def with_claims(tmp_path, claims, cells): # a small run's report, as text
    run = tmp_path/"claimed"
    (run/"tables/across").mkdir(parents=True)
    (run/"run.json").write_text(json.dumps(dict(data={"ham10000": "x"}, pages={})))
    if claims: pd.DataFrame(claims).to_csv(run/"tables/across/claims.csv", index=False)
    if cells: pd.DataFrame(cells).to_csv(run/"tables/across/claim_cells.csv", index=False)
    page = report("claimed", tmp_path)
    parsed(page)
    return page.read_text(encoding="utf-8")

def card(html, id="C-M-1"): return html.split(f'<article class="claim" id="{id}"')[1].split("</article>")[0]

def test_a_claim_has_its_quote_its_answers_and_its_cells(tmp_path):
    html = with_claims(tmp_path, [CLAIM, CLAIM | dict(protocol="faithful", answer="contradicted")], [CELL])
    said = card(html)
    assert 'data-words="supported;contradicted"' in said and "all models exhibited strong overall performance" in said
    assert EVIL not in html and said.count("&lt;script&gt;") >= 3 and "0.84 [0.8, 0.88], n = 378" in said and "<svg" in said
    assert "not answered in this run" in card(html, "C-M-2")

@pytest.mark.parametrize("cells", [[], [CELL | dict(claim="C-M-2")], [CELL | dict(estimate="", printed="–")],
    [CELL | dict(ci_low="", ci_high="")], [CELL | dict(estimate="1e999")], [CELL | dict(printed="0.84", ci_low="0.84", ci_high="0.84")]])
def test_a_claim_whose_cells_are_absent_or_odd_keeps_its_answer(tmp_path, cells):
    said = card(with_claims(tmp_path, [CLAIM], cells))
    assert "supported" in said and "nan" not in said.lower() and "inf%" not in said
    assert ("No cell of this run bears on it." in said) == (not cells or cells[0]["claim"] != "C-M-1")

def test_a_run_without_claims_says_so(tmp_path):
    assert "not answered in this run" in card(with_claims(tmp_path, [], []))

def test_only_a_run_on_phantoms_says_that_it_is_no_reproduction(run, tmp_path):
    assert phantom_caution in (run/"report.html").read_text().split("<nav")[0]
    shutil.copytree(run, tmp_path/"mixed")
    info = json.loads((tmp_path/"mixed/run.json").read_text())
    (tmp_path/"mixed/run.json").write_text(json.dumps(info | dict(data={"ham10000": "x", "phantom": "y"})))
    assert phantom_caution not in report("mixed", tmp_path).read_text().split("<nav")[0]

MEASURE = """<script>addEventListener("load", () => { document.querySelectorAll("details").forEach(d => d.open = true); setTimeout(() => {
const cut = [...document.querySelectorAll(".scroll")].filter(s => s.scrollWidth > s.clientWidth + 1).map(s => s.closest("[id]")?.id);
const box = document.querySelector(".find input"), shown = () => [...document.querySelectorAll("article.claim")].filter(c => !c.hidden).length;
const before = shown(); box.value = "C-M-1"; box.dispatchEvent(new Event("input")); setTimeout(() => { parent.document.title = "told";
parent.document.body.append(JSON.stringify({wide: document.documentElement.scrollWidth - document.documentElement.clientWidth, cut, before,
after: shown()}) + "END") }, 400) }, 300) })</script></body>"""

@pytest.mark.skipif(not shutil.which("chromium"), reason="no chromium")
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_cut_off_and_search_works(run, tmp_path, width):
    "In a browser, everything unfolded: no table is wider than its place, and a search leaves what it names."
    (run/"measured.html").write_text((run/"report.html").read_text().replace("</body>", MEASURE))
    frame = f'<body><iframe src="file://{run}/measured.html" style="width:{width}px;height:800px;border:0"></iframe></body>'
    (tmp_path/"frame.html").write_text(frame)
    flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files", "--virtual-time-budget=30000"]
    done = subprocess.run(["chromium", *flags, "--window-size=1400,900", f"--user-data-dir={tmp_path}/chromium", "--dump-dom",
        f"file://{tmp_path}/frame.html"], capture_output=True, text=True, timeout=300)
    (run/"measured.html").unlink()
    told = json.loads(re.search(r'(\{"wide".*?\})END', done.stdout)[1])
    assert told["wide"] <= 0 and told["cut"] == [] and told["after"] == 1 < told["before"]

@pytest.mark.parametrize("name", ["real", "phantom"])
def test_links_of_a_committed_report_work_in_a_clone(name):
    "They lead to files that git holds, to the pages among them."
    if not (ROOT/".git").exists(): pytest.skip("not a clone")
    held = set(subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n"))
    page = ROOT/f"outputs/reference/{name}/report.html"
    links = {os.path.relpath(os.path.normpath(page.parent/l.partition("#")[0]), ROOT) for l in parsed(page).links if l[0] != "#"}
    assert links <= held and any(l.startswith("nbs/") for l in links)
