#!/bin/sh
# Every check, in the order in which a failure is cheapest to find. Called by `make test`.
set -e
export OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 PYTHONWARNINGS=ignore::DeprecationWarning
workers=$(python -c 'import os; print(max(2, min(4, len(os.sched_getaffinity(0)))))') # two to four at once
echo "== exported and clean"
before=$(find skinnb nbs -name '*.py' -o -name '*.ipynb' -not -path '*/.*' | sort | xargs cat | cksum)
nbdev-export
nbdev-clean
after=$(find skinnb nbs -name '*.py' -o -name '*.ipynb' -not -path '*/.*' | sort | xargs cat | cksum)
[ "$before" = "$after" ] || { echo "notebooks and library disagreed, or notebooks were not clean: run nbdev-export and nbdev-clean, look at git diff, commit"; exit 1; }
echo "== pages (nbdev_test)"
nbdev_test --n-workers $workers --timing
echo "== pages that compare numbers and train nothing, once more as on a plain processor with three threads"
pages=$(grep -rlE --include='*.ipynb' --exclude-dir='.*' 'test_close|allclose' nbs | xargs grep -L 'n_epochs:int = ' | paste -sd '|' -)
OMP_NUM_THREADS=3 sh tests/plain.sh nbdev_test --n-workers $workers --timing --path-re "($pages)$"
echo "== coverage of the papers"
skinnb_coverage reference/phantom
echo "== tests"
[ -n "$SKINNB_DATA" ] || echo "SKINNB_DATA is not set: the tests on real data say that they were skipped"
python -m pytest -n $workers --dist loadfile --durations 25 tests
