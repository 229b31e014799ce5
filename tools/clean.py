"A page as git sees it, from stdin to stdout: nbdev's cleaning, and no outputs. The filter `page` of .gitattributes."
import sys, tomllib
from pathlib import Path
from fastcore.nbio import nb2str
from fastcore.xtras import loads
from nbdev.clean import clean_nb

settings = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["tool"]["nbdev"]
sys.stdin.reconfigure(encoding="utf-8")
sys.stdout.reconfigure(encoding="utf-8")
nb = loads(sys.stdin.read())
clean_nb(nb, allowed_cell_metadata_keys=settings["allowed_cell_metadata_keys"])
for cell in nb["cells"]:
    if "outputs" in cell: cell["outputs"] = []
sys.stdout.write(nb2str(nb))
