"Render nbs/index.ipynb to README.md (nbdev does this through Quarto, which is not everywhere). `--check` only compares."
import re, sys
from pathlib import Path
import nbformat
from nbconvert import MarkdownExporter

root = Path(__file__).resolve().parents[1]
nb = nbformat.read(root/"nbs/index.ipynb", 4)
nb.cells = [c for c in nb.cells if c.cell_type == "markdown"]
here = lambda link: link if link.startswith(("http", "#")) else link[3:] if link.startswith("../") else f"nbs/{link}"
text = re.sub(r"\]\(([^)]+)\)", lambda m: f"]({here(m[1])})", MarkdownExporter().from_notebook_node(nb)[0].strip() + "\n")
readme = root/"README.md"
if "--check" in sys.argv:
    if readme.read_text(encoding="utf-8") != text: sys.exit("README.md and nbs/index.ipynb disagree: run python tools/readme.py")
else: readme.write_text(text, encoding="utf-8")
