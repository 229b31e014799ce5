"""Which learning rate, and how many epochs? recall_first's network on one fold of another split, judged out of fold.

python tools/budget.py          with SKINNB_DATA, SKINNB_WEIGHTS and SKINNB_CACHE; writes outputs/reference/real/budget.csv

Neither split 42, on which the paper's tables stand, nor the official test has a say. Trainings are kept: a second call
finds them."""
import sys
from pathlib import Path
import pandas as pd
from skinnb import cohorts
from skinnb.recall_first import data, train
from skinnb.study import kept

split_seed, img_size = 7, 128
candidates = [dict(lr_scale=4., n_epochs=5), dict(lr_scale=1., n_epochs=5)]

def main(out):
    cohort = data.cohort_of("ham10000", seed=split_seed)
    images = cohorts.images(cohort, img_size)
    rows = []
    for c in candidates:
        function, given, named = train.call(cohort, images, "resnet50", "full", "corrected", 0, **c, img_size=img_size,
            bs=32, seed=split_seed, precision="auto", threads=0)
        h = kept(function, *given, **named)["history"]
        rows += [dict(split=split_seed, img_size=img_size, **c, epoch=r.epoch, valid_auc=round(r.valid_auc, 4),
            valid_loss=round(r.valid_loss, 4), kept=r.kept, seconds=round(r.seconds)) for r in h.itertuples()]
        pd.DataFrame(rows).to_csv(out, index=False)
        print(pd.DataFrame(rows).to_string(), flush=True)

if __name__ == "__main__": main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("outputs/reference/real/budget.csv"))
