"""One flat parameter file per page and preset, for `papermill -f`: configs/pages/<preset>/<page>.yaml, from the presets.
`--check` only compares."""
import sys
from pathlib import Path
import yaml

def wanted():
    "{path: text} of every page that a preset gives parameters."
    presets = [p for p in sorted(Path("configs").glob("*.yaml")) if p.stem != "sweep"]
    pages = {(p.stem, page): given for p in presets for page, given in yaml.safe_load(p.read_text())["pages"].items()}
    made_from = "# From configs/{0}.yaml by `make params`. papermill nbs/{1}.ipynb out.ipynb -f configs/pages/{0}/{1}.yaml\n"
    return {Path(f"configs/pages/{preset}/{page}.yaml"): made_from.format(preset, page) + yaml.safe_dump(given, sort_keys=False)
        for (preset, page), given in pages.items()}

files, there = wanted(), set(Path("configs/pages").rglob("*.yaml"))
wrong = [p for p in sorted({*files, *there}) if p not in files or p not in there or p.read_text() != files[p]]
if "--check" in sys.argv:
    if wrong: sys.exit(f"{wrong[0]} and its preset disagree: run `make params`")
else:
    for path in there - set(files): path.unlink()
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
