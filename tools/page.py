"Run one page into a run's folder: `python tools/page.py PAGE FOLDER PARAMETERS EXECUTED DECLARED... MADE`. Called by the Snakefile."
import json, logging, os, sys, time
from pathlib import Path
import papermill
from engine import note, short

def main(page, folder, given, whole, *declared):
    folder, whole, start = Path(folder), Path(whole), time.time()
    *declared, made = map(Path, declared)
    os.environ["SKINNB_OUTPUTS"] = str(folder.resolve().parent)
    alone = int(os.environ.get("OMP_NUM_THREADS") or 0) >= os.cpu_count()
    if alone: os.environ.pop("OMP_WAIT_POLICY", None) # nobody else needs the cores: ResNet-50 trains half as fast again
    part = whole.with_name(f"{whole.stem}.part.ipynb")
    part.parent.mkdir(parents=True, exist_ok=True)
    note(folder, page, "stopped before its end") # what is true if nothing else is written
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    try: papermill.execute_notebook(f"nbs/{page}.ipynb", part, json.loads(given), progress_bar=False, log_output=True)
    except papermill.PapermillExecutionError as e:
        note(folder, page, short(f"{e.ename}: {e.evalue}"), f"In [{e.exec_count}]")
        raise
    except Exception as e:
        note(folder, page, short(f"{type(e).__name__}: {e}"))
        raise
    missing = [d.name for d in declared if not (d.exists() and d.stat().st_mtime >= start - 1)]
    if missing:
        note(folder, page, f"declares {', '.join(missing)} and did not make it")
        sys.exit(1)
    part.replace(whole)
    record = folder/"pages"/f"{page}.json" # a page that opens no run has none
    files = [folder/f for f in json.loads(record.read_text())["made"]] if record.exists() else []
    made.write_text("".join(f"{f}\n" for f in (whole, *files)))
    note(folder, page)

main(*sys.argv[1:])
