"""A searchable site from the executed pages of a run: `make docs` or `make docs RUN=real`, into _docs/index.html.

Without a run the pages are executed with their defaults. Neither building nor reading needs a network: no script comes
from elsewhere and formulas are MathML. A site of a real run shows real images, and stays where it is made."""
import ast, html, importlib, inspect, json, os, re, shutil, sys
from dataclasses import is_dataclass
from pathlib import Path
from types import FunctionType
from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from fastcore.docments import docments
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import docutils_namespace, patch_docutils
import engine

root = Path(__file__).resolve().parents[1]
floors = dict(zip("012345", ("Ground", "Images", "Networks", "Judging", "Explaining", "Generating")))

# Pages: as they were executed, without what only nbdev and Jupyter read.

def text(cell): return "".join(cell["source"])

def markdown(id, words):
    return dict(cell_type="markdown", id=id, metadata={}, source=words)

def code(nb): # what a page computes: to see whether it was edited after it was executed
    cells = [c for c in nb["cells"] if c["cell_type"] == "code"]
    return [text(c).strip() for c in cells if "injected-parameters" not in c["metadata"].get("tags", [])]

def for_reading(cell):
    "A code cell without its `#|` lines; hidden ones fold, and each keeps its id for links from the reference."
    flags = re.findall(r"^#\|\s*(\w+)", text(cell), re.M)
    shown = re.sub(r"^#\|.*\n?", "", text(cell), flags=re.M).strip()
    tags = cell["metadata"].get("tags", []) + ["hide-cell"]*("hide" in flags)
    outputs = [o for o in cell["outputs"] if not any("widget" in kind for kind in o.get("data", {}))]
    return {**cell, "source": shown, "outputs": outputs, "metadata": {"tags": tags, "cell": cell.get("id", "")}}

def linked(words, page, shown, site):
    """Words of a page with links that work in the site, where it stands at `shown`: files of the repository that are no
    pages are copied, and pictures from elsewhere give way to their words."""
    def to_copy(link):
        path = (page.parent/link[2]).resolve()
        if re.match(r"[\w+]+:|#", link[2]) or path.suffix == ".ipynb" or not path.is_file(): return link[0]
        copy = site/"files"/path.relative_to(root)
        if not copy.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
            if copy.suffix == ".md": # a page of the site, outside its contents
                said = linked(path.read_text(encoding="utf-8"), path, copy, site)
                copy.write_text(f"---\norphan: true\n---\n\n{said}", encoding="utf-8")
        return f"{link[1]}({os.path.relpath(copy, shown.parent)})"
    words = re.sub(r"!\[([^\]]*)\]\(https?:[^)]*\)", r"\1", words)
    return re.sub(r"(!?\[(?:!\[[^\]]*\]\([^)]*\)|[^\]])*\])\(([^)#\s]+)\)", to_copy, words)

def prepare(page, executed, site):
    "Write a page for the site, with a note on top where it was not executed as it stands; returns the note."
    path, shown = root/f"nbs/{page}.ipynb", site/f"{page}.ipynb"
    source = json.loads(path.read_text(encoding="utf-8"))
    nb = json.loads(executed.read_text(encoding="utf-8")) if executed.exists() else source
    note = "" if page == "index" or executed.exists() and code(nb) == code(source) else \
        "This page was edited after this run." if executed.exists() else \
        "This run did not execute this page: no results are shown."
    cells = [for_reading(c) if c["cell_type"] == "code" else {**c, "source": linked(text(c), path, shown, site)}
             for c in nb["cells"]]
    if note: cells.insert(1, markdown("note", f":::{{warning}}\n{note}\n:::"))
    shown.parent.mkdir(parents=True, exist_ok=True)
    about = {"language_info": {"name": "python", "pygments_lexer": "ipython3"}} # and no state of widgets
    shown.write_text(json.dumps({**nb, "cells": [c for c in cells if text(c).strip()], "metadata": about}), encoding="utf-8")
    return note

# Contents: the order of the pages.

def toctree(caption, entries):
    return f"```{{toctree}}\n:caption: {caption}\n:hidden:\n:maxdepth: 1\n\n" + "\n".join(entries) + "\n```\n"

def contents(book):
    "One list of pages for each floor, each paper and what compares papers, then the reference."
    rooms = {}
    for page, paper in zip(book.page, book.paper):
        if page == "index": continue
        room = "Across papers" if paper == "across" else paper or floors.get(page[0], f"Floor {page[0]}")
        rooms.setdefault(room, []).append(page)
    return "\n".join(toctree(k, v) for k, v in {**rooms, "Reference": ["reference/index"]}.items())

# Reference: every public name with its docments.

def row(cells):
    return f"| {' | '.join(c.replace('|', chr(92) + '|') for c in cells)} |"

def plain(words):
    "Words that Markdown shows as they stand; what is between backticks stays code."
    parts = re.split(r"(`[^`]+`)", " ".join(str(words or "").split()))
    return "".join(p if p.startswith("`") else re.sub(r"([\\`*_{}\[\]<>$~#])", r"\\\1", p) for p in parts)

class Shown(str): # a default value as the signature shows it
    __repr__ = str.__str__

def shown(value):
    "A value in a few characters, as code."
    said = getattr(value, "__name__", None) or repr(value)
    return Shown(said if len(said) <= 60 and "<" not in said and "\n" not in said else "...")

def readable(f):
    "A function with its defaults as they are shown; a class of data as it is, another one's `__init__`."
    if inspect.isclass(f) and is_dataclass(f): return f
    f = inspect.unwrap(f.__init__ if inspect.isclass(f) else f)
    g = FunctionType(f.__code__, f.__globals__, f.__name__, tuple(map(shown, f.__defaults__ or ())), f.__closure__)
    g.__kwdefaults__ = {k: shown(v) for k, v in (f.__kwdefaults__ or {}).items()}
    g.__annotations__, g.__qualname__ = f.__annotations__, f.__qualname__
    return g

def arguments(f):
    return [p for p in inspect.signature(f).parameters.values() if p.name not in ("self", "cls")]

def signature(f):
    "Names and defaults; types stand in the table."
    default = lambda p: p.empty if p.default is p.empty else shown(p.default)
    return str(inspect.Signature([p.replace(annotation=p.empty, default=default(p)) for p in arguments(f)]))

def table(f):
    "Docments as a table: argument, type, what it is. Defaults stand in the signature."
    words, result = docments(f, args_kwargs=True), inspect.signature(f).return_annotation
    kind = lambda anno: "" if anno is inspect.Parameter.empty else f"`{shown(anno)}`"
    rows = [(plain(p.name), kind(p.annotation), plain(words.get(p.name))) for p in arguments(f)]
    if kind(result) or words.get("return"): rows.append(("*returns*", kind(result), plain(words.get("return"))))
    return "\n".join(map(row, [("argument", "type", "what it is"), ("---",)*3, *rows])) if rows else ""

def cell_of(module, line):
    "(page, cell id) that a line of an exported module comes from."
    above = Path(module.__file__).read_text(encoding="utf-8").splitlines()[:line]
    return next((m.groups() for l in reversed(above) if (m := re.match(r"# %% .*?nbs/(.+)\.ipynb #(\w+)", l))), None)

def lines(module):
    "{name: first line} of what a module defines at its top, constants too."
    found = {}
    for node in ast.parse(Path(module.__file__).read_text(encoding="utf-8")).body:
        for n in getattr(node, "targets", [node]):
            for m in getattr(n, "elts", [n]): found.setdefault(getattr(m, "id", getattr(m, "name", None)), node.lineno)
    return found

def entry(kind, name, f, words, source, inner=""):
    "One name: signature, what it does, docments, the cell it comes from."
    link = f'<a class="source" href="../{source[0]}.html#cell-{source[1]}">source: {source[0]}</a>' if source else ""
    head, body = (signature(readable(f)), table(readable(f))) if f else ("", "")
    return f"::::::{{py:{kind}}} {name}{head}\n\n{plain(words)}\n\n{body}\n\n{link}\n\n{inner}\n::::::\n"

def described(module, name, line):
    "A name of a module: a function, a class with its public methods, or a value."
    thing, source = getattr(module, name), cell_of(module, line)
    if inspect.isclass(thing):
        own = {k: getattr(v, "__func__", getattr(v, "fget", v)) for k, v in vars(thing).items() if not k.startswith("_")}
        own = {k: f for k, f in own.items() if inspect.isfunction(f)}
        inner = "\n".join(entry("method", k, f, f.__doc__, cell_of(inspect.getmodule(f), f.__code__.co_firstlineno))
                          for k, f in own.items()).replace("::::::", ":::::")
        made = any(map(inspect.isfunction, (thing.__init__, thing.__new__))) # an exception, say, takes what all take
        return entry("class", name, thing if made else None, vars(thing).get("__doc__"), source, inner)
    if callable(thing): return entry("function", name, thing, inspect.getdoc(thing), source)
    return entry("data", name, None, f"`{shown(thing)}`" if shown(thing) != "..." else type(thing).__name__, source)

def reference(name, page):
    "A module's page of the reference."
    module = importlib.import_module(f"skinnb.{name}")
    at = lines(module)
    entries = [described(module, n, at[n]) for n in sorted(module.__all__, key=lambda n: at.get(n, 0)) if n in at]
    return (f"# {name}\n\n{plain(module.__doc__)} Made by [{page}](../{page}.ipynb).\n\n"
            f":::{{py:module}} skinnb.{name}\n:::\n\n" + "\n".join(entries))

def write_reference(book, site):
    "One page for each module, and the list of them."
    (site/"reference").mkdir(parents=True, exist_ok=True)
    made = book[book.module.notna()]
    for page, name in zip(made.page, made.module):
        (site/f"reference/{name}.md").write_text(reference(name, page), encoding="utf-8")
    rows = [(f"[{name}]({name}.md)", plain(title), f"[{page}](../{page}.ipynb)")
            for page, name, title in zip(made.page, made.module, made.title)]
    listed = "\n".join(map(row, [("module", "what it answers", "made by"), ("---",)*3, *rows]))
    names = "Every public name of the library, from the cell that defines it; <a href='../genindex.html'>by letter</a>."
    index = f"# Reference\n\n{names}\n\n{listed}\n\n{toctree('Modules', made.module)}"
    (site/"reference/index.md").write_text(index, encoding="utf-8")

# A line of 110 characters fits at 1280 px; formulas and wide tables scroll in their own place.
css = """
.bd-sidebar-primary { flex: 0 0 15rem; font-size: .9rem; }
.bd-sidebar-secondary { flex: 0 0 13rem; width: 13rem; font-size: .85rem; }
.bd-main .bd-content .bd-article-container { max-width: 62rem; padding: 1rem; }
.bd-container .bd-container__inner { max-width: 110rem; }
.bd-main .bd-content .bd-article-container .bd-article { padding: 1rem .5rem; }
div.highlight pre, .cell_output pre { font-size: .72rem; line-height: 1.45; }
.cell_output td, .cell_output th { padding: .15rem .5rem; }
.cell_output .output, .cell_output > div { overflow-x: auto; }
math[display=block] { margin: 1em 0; padding: .3em 0; overflow-x: auto; overflow-y: hidden; }
dl.py { margin-bottom: 1rem; }
.bd-article dl.py dd { margin-left: .5rem; }
dl.py td, dl.py th { padding: .25rem .4rem; font-size: .9rem; }
a.source { font-size: .85rem; }
"""

# Sphinx: this file is its extension too.

logger = logging.getLogger(__name__)

def mathml(self, node):
    "A formula as MathML, which browsers show by themselves (and size brackets by themselves)."
    tex = re.sub(r"\\[bB]igg?[lr]?(?![a-zA-Z])", "", node.astext())
    try: self.body.append(tex2mathml(tex, as_block=isinstance(node, nodes.math_block)))
    except MathError as e:
        logger.warning("%s in %s", e, tex, location=node)
        self.body.append(f"<code>{html.escape(tex)}</code>")
    raise nodes.SkipNode

def anchor(app, tree):
    "Every code cell carries its id, so that the reference can point to it."
    for node in tree.findall(nodes.container):
        if id := node.get("cell_metadata", {}).get("cell"): node["ids"].append(f"cell-{id}")

def references(app, tree, page):
    """A public name in prose leads to its entry: `stats.wilson` or `wilson()` anywhere, `wilson` where the page defines or
    imports it (elsewhere it may be a column). Not where two modules have it."""
    codes = "\n".join(b.astext() for b in tree.findall(nodes.literal_block))
    meant = lambda name: re.search(r"\W", name) or re.search(rf"^\s*(def|class|from .* import\b.*) ?\b{name}\b", codes, re.M)
    known = {}
    for name, thing in app.env.domains["py"].objects.items():
        if thing.objtype not in ("function", "class"): continue
        for short in {name.removeprefix("skinnb."), name.rpartition(".")[2]}: known.setdefault(short, []).append((name, thing))
    for node in [] if page.startswith("reference/") else list(tree.findall(nodes.literal)):
        found = known.get(node.astext().removesuffix("()"), [])
        if len(found) == 1 and meant(node.astext()) and not isinstance(node.parent, nodes.reference):
            name, thing = found[0]
            link = f"{app.builder.get_relative_uri(page, thing.docname)}#{thing.node_id}"
            node.replace_self(nodes.reference("", "", node.deepcopy(), refuri=link, internal=True, reftitle=name))

def slug(title): # anchors of headings, as JupyterLab makes them
    return title.replace(" ", "-")

def setup(app):
    app.add_html_math_renderer("mathml", (mathml, None), (mathml, None))
    app.add_css_file("skinnb.css")
    app.connect("doctree-read", anchor)
    app.connect("doctree-resolved", references)
    return dict(parallel_read_safe=True, parallel_write_safe=True)

settings = dict(
    project="skinnb", html_title="skinnb", extensions=["myst_nb", "docs"], nb_execution_mode="off", nb_ipywidgets_js={},
    myst_enable_extensions=["dollarmath", "amsmath", "colon_fence"], myst_heading_anchors=4, myst_heading_slug_func="docs.slug",
    html_theme="sphinx_book_theme", html_math_renderer="mathml", html_copy_source=False, html_show_sphinx=False, smartquotes=False,
    add_module_names=False, toc_object_entries_show_parents="hide", html_theme_options=dict(
        use_download_button=False, use_fullscreen_button=False, show_toc_level=2, navigation_with_keys=False,
        navbar_persistent=[], home_page_in_toc=True))

def build(work, cores):
    "Sphinx from `work/pages` into `work/html`; a warning, such as a link that leads nowhere, is an error."
    site, out = work/"pages", work/"html"
    (site/"_static").mkdir()
    (site/"_static/skinnb.css").write_text(css, encoding="utf-8")
    here = {**settings, "html_static_path": [str(site/"_static")]}
    with patch_docutils(), docutils_namespace():
        app = Sphinx(site, None, out, work/"doctrees", "html", here, status=None, warningiserror=True, parallel=cores)
        app.build()
    for path in out.rglob("*.map"): path.unlink() # for those who mend the theme: a fifth of the site
    return app.statuscode

def write_site(book, folder, work, out, cores=1):
    "The site of the pages in `book`, as a run executed them; returns how many pages carry a note, and Sphinx's status."
    for old in (work, out): shutil.rmtree(old, ignore_errors=True)
    site = work/"pages"
    notes = [prepare(p, Path(folder)/f"notebooks/{p}.ipynb", site) for p in book.page]
    write_reference(book, site)
    index = json.loads((site/"index.ipynb").read_text(encoding="utf-8"))
    index["cells"].append(markdown("contents", contents(book)))
    (site/"index.ipynb").write_text(json.dumps(index), encoding="utf-8")
    failed = build(work, cores)
    (work/"html").rename(out)
    return sum(map(bool, notes)), failed

def chosen(asked):
    "Folder of the run that `make outputs` makes of the same words; None where no outputs/phantom is there."
    changed = {k.lower(): v for k, v in asked.items() if k in ("RUN", "BACKBONE", "SEED")}
    run = engine.run_name(engine.preset(asked.get("PRESET", "phantom")), changed)
    runs = sorted(p.parent.name for p in engine.outputs().glob("*/notebooks"))
    if run not in runs and run != "phantom": raise ValueError(f"there is no run {run!r} with executed pages; runs are {runs}")
    return engine.outputs()/run if run in runs else None

def by_default(book, cores):
    "Folder of a run in which every page has its own defaults."
    print("There is no outputs/phantom: every page with its defaults first, some minutes", flush=True)
    if engine.main(["PRESET=defaults", f"PAGES={' '.join(p for p in book.page if p != 'index')}", f"CORES={cores}"]):
        print("Pages that failed are shown without results", flush=True)
    return engine.outputs()/"defaults"

def main(words):
    asked, accepted = engine.asked_for(words), ["PRESET", "RUN", "BACKBONE", "SEED", "CORES"]
    if odd := set(asked) - set(accepted): raise ValueError(f"{min(odd)}= has no place here; accepted are {accepted}")
    folder, cores = chosen(asked), asked.get("CORES", "1")
    from skinnb.study import pages # heavy: only once the words are known to be right
    book = pages()
    folder = folder or by_default(book, cores)
    noted, failed = write_site(book, folder, root/"_proc", root/"_docs", int(cores))
    if noted: print(f"{noted} pages were edited after this run, or are not in it, and say so")
    print(f"Look at _docs/index.html: {len(book)} pages of {folder}")
    return failed

if __name__ == "__main__":
    try: sys.exit(main(sys.argv[1:]))
    except (ValueError, OSError) as e: sys.exit(f"{e}")
