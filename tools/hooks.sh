#!/bin/sh
# A page that was run leaves git as it was: git sees pages without their outputs, JupyterLab saves them without its noise.
# Both are set for this clone and its .venv alone, nothing in the user's home. Called by `make env`.
mkdir -p .venv/etc/jupyter
cat > .venv/etc/jupyter/jupyter_server_config.py <<'PY'
from nbdev.clean import clean_jupyter
c.ContentsManager.pre_save_hook = clean_jupyter
PY
git rev-parse --git-dir >/dev/null 2>&1 || exit 0 # an unpacked archive: nothing to set
git config filter.page.clean ".venv/bin/python tools/clean.py"
