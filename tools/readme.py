"""Render nbs/index.ipynb to README.md (nbdev does this through Quarto, which is not everywhere). Code cells run, and the Markdown
that they end in takes their place, so that every number comes from the committed runs. `--check` only compares."""
import ast, os, re, sys
from pathlib import Path
import nbformat

root = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(root))
for name in ("SKINNB_OUTPUTS", "SKINNB_PAPERS"): os.environ.pop(name, None) # the committed runs, the papers of this tree
os.chdir(root)

def shown(source, names):
    "The Markdown in which a code cell ends."
    *first, last = ast.parse(source).body
    exec(compile(ast.Module(first, []), "index", "exec"), names)
    return eval(compile(ast.Expression(last.value), "index", "eval"), names).data

def here(link):
    "A link of the page, from the root."
    return link if link.startswith(("http", "#")) else link[3:] if link.startswith("../") else f"nbs/{link}"

names = {}
cells = nbformat.read(root/"nbs/index.ipynb", 4).cells
relinked = lambda text: re.sub(r"\]\(([^)]+)\)", lambda m: f"]({here(m[1])})", text)
parts = [shown(c.source, names) if c.cell_type == "code" else relinked(c.source) for c in cells]
text = "\n\n".join(p.strip() for p in parts) + "\n"
readme = root/"README.md"
if "--check" in sys.argv:
    if readme.read_text(encoding="utf-8") != text: sys.exit("README.md and nbs/index.ipynb disagree: run python tools/readme.py")
else: readme.write_text(text, encoding="utf-8")
