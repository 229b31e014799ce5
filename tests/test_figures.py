"Every figure that a page saves says in words what it shows, and no text in it is dust."
import ast, json
import matplotlib.pyplot as plt
import pytest
from conftest import ROOT
from skinnb.study import Run, alt_text, pages, smallest_type

def calls(source):
    "Calls of study.figure in a cell."
    clean = "\n".join("" if l.startswith(("%", "!")) else l for l in source.splitlines())
    found = [n for n in ast.walk(ast.parse(clean)) if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)]
    return [n for n in found if n.func.attr == "figure" and getattr(n.func.value, "id", "") == "study"]

def wordless(source):
    "Those of them that carry no words."
    words = lambda c: next((k.value for k in c.keywords if k.arg == "alt"), None)
    return [c for c in calls(source) if words(c) is None or getattr(words(c), "value", "words") == ""]

def saved():
    "(page, cell's source) of every cell that saves a figure."
    for page in pages().page:
        path = ROOT/f"nbs/{page}.ipynb"
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"] if path.exists() else []
        for c in cells:
            source = "".join(c["source"])
            if c["cell_type"] == "code" and "study.figure(" in source and calls(source): yield page, source

def test_every_saved_figure_has_words():
    found = list(saved())
    assert len(found) > 20
    assert not [(page, source[-80:]) for page, source in found if wordless(source)]

@pytest.mark.parametrize("bad", ['study.figure(fig, "1")', 'study.figure(fig, "1", alt="")'])
def test_a_wordless_figure_is_found(bad):
    assert wordless(bad) and not wordless('study.figure(fig, "1", alt=f"{n} points")')

def test_words_survive_any_letter(tmp_path, monkeypatch):
    "Quotes, angle brackets and letters beyond Latin-1 come back from the PNG as they went in; the SVG escapes them."
    monkeypatch.setenv("SKINNB_OUTPUTS", str(tmp_path))
    from skinnb.study import begin
    study, fig = begin("00_study", run="words"), plt.figure(figsize=(4, 2))
    fig.text(.5, .5, "x")
    said = 'γ < "2ηλ" & 3 → <b>4</b>'
    png = study.figure(fig, "words", alt=said)
    assert isinstance(study, Run) and alt_text(png) == said
    assert "<b>4</b>" not in png.with_suffix(".svg").read_text(encoding="utf-8")
    assert smallest_type(fig) > smallest_type(fig, 300) > 8
