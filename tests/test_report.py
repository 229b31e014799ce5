"The report is sound HTML, holds every table of the run, and executes nothing that a row or a message says."
import html.parser, json, os, re, shutil
import pandas as pd, pytest
from conftest import ROOT
from fastcore.xml import to_xml
from skinnb.published import read_table
from skinnb.verdicts import side_by_side, table_html
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
