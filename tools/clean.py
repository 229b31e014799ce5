"""A page as git knows it: nbdev's cleaning, tags kept, scaffolding (`#| hide`) folded, no outputs. JupyterLab calls it
when it saves a page; as a command it is git's filter `page` (.gitattributes). Both are set up by tools/hooks.sh.
`python tools/clean.py nbs/a.ipynb ...` cleans files in place."""
import sys, tomllib
from pathlib import Path
from nbdev.clean import clean_nb

root = Path(__file__).resolve().parents[1]

def clean(nb):
    "Clean a notebook (a dict) in place."
    settings = tomllib.loads((root/"pyproject.toml").read_text(encoding="utf-8"))["tool"]["nbdev"]
    clean_nb(nb, allowed_cell_metadata_keys=settings["allowed_cell_metadata_keys"])
    for cell in nb["cells"]:
        if cell["cell_type"] != "code": continue
        cell["outputs"], cell["metadata"] = [], {k: v for k, v in cell["metadata"].items() if k != "jupyter"}
        if "".join(cell["source"]).startswith("#| hide"): cell["metadata"]["jupyter"] = {"source_hidden": True}

def on_save(model, path, contents_manager, **kwargs):
    "JupyterLab's hook: pages under nbs are cleaned, other notebooks (out.ipynb) keep their outputs."
    file = Path(contents_manager.root_dir).resolve()/path
    if model["type"] == "notebook" and root/"nbs" in file.parents: clean(model["content"])

if __name__ == "__main__":
    from fastcore.nbio import nb2str
    from fastcore.xtras import loads
    def cleaned(text):
        nb = loads(text)
        clean(nb)
        return nb2str(nb)
    for path in map(Path, sys.argv[1:]): path.write_text(cleaned(path.read_text(encoding="utf-8")), encoding="utf-8")
    if len(sys.argv) == 1:
        for stream in (sys.stdin, sys.stdout): stream.reconfigure(encoding="utf-8")
        sys.stdout.write(cleaned(sys.stdin.read()))
