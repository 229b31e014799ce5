"Networks by judged tone: overlap lists of other data, what is published, gaps that must and must not be found."
import json
import numpy as np, pandas as pd, pytest
from conftest import ROOT
from skinnb import cohorts, groups, imaging, nets
from skinnb.across import judged, judged_gaps
from skinnb.archives import at_hand
from skinnb.recall_first import data as recall_first, external
from skinnb.scores import replay, statements
from skinnb.study import Run

here = set(at_hand().name)
real = pytest.mark.skipif(not {"ham10000", "milk10k", "milk10k_near_duplicates"} <= here, reason="ham10000 and milk10k are not at hand")
REFERENCE = ROOT/"outputs/reference/phantom/scores/recall_first"

def readers(n, seed, **how):
    f = judged.with_judged(judged.drawn(n, seed=seed)).query("image_type == 'clinical' and dx != 'bkl'").reset_index(drop=True)
    return f.assign(melanoma=f.target.astype(float), score=groups.made_reader(f, np.random.default_rng(seed), **how))

def test_no_gap_is_rarely_found_and_a_gap_nearly_always():
    "Twenty made-up studies each: the interval excludes 0 for a fair reader at most thrice, for an unfair one in all."
    def found(k, **how):
        g = judged_gaps.tone_gaps(readers(900, k, **how), .5, n_boot=40, seed=k).set_index("metric").loc["auroc"]
        return g.ci_high < 0 or g.ci_low > 0
    assert sum(found(k, seen_in_dark=1., step=0.) for k in range(20)) <= 3
    assert sum(found(k, seen_in_dark=0., step=0.) for k in range(20)) == 20

def test_a_shift_in_dark_skin_moves_rates_and_no_area():
    "Scores of dark skin lowered by one number: area and sensitivity at equal false alarms stay, rates at one threshold fall."
    f = readers(3000, 1, seen_in_dark=1., step=0.)
    moved = f.assign(score=np.where(f.judged < 3, f.score**2, f.score))
    before, after = (judged_gaps.tone_gaps(d, .5, n_boot=40).set_index("metric").estimate for d in (f, moved))
    same = ["auroc", "sensitivity, 20 % false alarms"]
    assert np.allclose(before[same].astype(float), after[same].astype(float))
    assert after.sensitivity < before.sensitivity - .05 and after.fpr < before.fpr

def test_what_is_published_gives_tones_and_tables_back(tmp_path, monkeypatch):
    "Scores without tones, tones read again, all tables without a picture; too few phantoms to read them from are an error."
    if not REFERENCE.exists(): pytest.skip("no committed scores")
    away = judged_gaps.foreign("phantom", 1200, 42)
    columns, rng = ["image_id", "lesion_id", "target", "melanoma"], np.random.default_rng(0)
    scored = pd.concat([away[columns].assign(domain=away.image_type, source="phantom", protocol=p, score=rng.random(len(away))) for p in ("faithful", "corrected")])
    run = Run("across/04_judged_gaps", "toy", 42, {})
    monkeypatch.setenv("SKINNB_OUTPUTS", str(tmp_path))
    run.scores(scored, "judged_gaps")
    (tmp_path/"toy/scores/recall_first").symlink_to(REFERENCE, target_is_directory=True)
    how = dict(data="phantom", backbone="mobilenetv2_100", n_lesions=1200)
    back = judged_gaps.from_scores(tmp_path/"toy/scores/across", **how, seed=42, img_size=48)
    assert back["scored"].judged.tolist() == 2*away.judged.tolist() and set(back["homes"]) == {"faithful", "corrected"}
    with pytest.raises(ValueError, match="scored pictures have no judged tone"):
        judged_gaps.from_scores(tmp_path/"toy/scores/across", **how | dict(n_lesions=100), seed=42)
    names = {**vars(judged_gaps), **how, **back, "study": run, "seed": 42, "n_boot": 40, "img_size": 48, "n_epochs": 4, "recall": .85, "fpr": .2}
    cells = json.loads((ROOT/"nbs/across/04_judged_gaps.ipynb").read_text(encoding="utf-8"))["cells"]
    assert replay(statements(cells), names, set(back) | {"study"}) == dict.fromkeys(judged_gaps.makes["tables"], "")
    assert len(pd.read_csv(tmp_path/"toy/tables/across/table_judged_gaps.csv")) == 2*4*4

@real
def test_overlap_of_the_real_sets():
    "The list is about these data, a list of the official test alone is not; what remains is what README counts."
    home, away = cohorts.load("ham10000"), judged_gaps.foreign("ham10000")
    listed = cohorts.listed_pairs()
    assert len(external.about_these(listed, away, home)) == 551
    other = listed[listed.source_b == "isic2018_task3_test"]
    with pytest.raises(ValueError, match="about .'isic2018_task3_test'., not about 'ham10000'"): external.about_these(other, away, home)
    with pytest.raises(ValueError, match="none of ham10000"): external.about_these(other.assign(source_b="ham10000"), away, home)
    with pytest.raises(ValueError, match="a list of other data"): external.about_these(listed, home, home)
    one = external.unshared(away, listed).drop_duplicates("lesion_id")
    left = one.groupby([one.judged.clip(lower=1), "melanoma"]).size() # 0 and 1 together
    assert (left[1, 1], left[1, 0], left[2, 1], left[2, 0]) == (15, 14, 77, 88)

@real
def test_the_path_with_an_untrained_network():
    "Forty real lesions through an untrained network at 32 px: a score for each picture, counts for each tone, no invented gap."
    away = judged_gaps.foreign("ham10000")
    some = away[away.melanoma.notna()].groupby("judged").head(16).reset_index(drop=True)
    network = nets.build("mobilenetv2_100", n_out=2, dropout=.4, img_size=32, seed=0).eval()
    found = external.score(cohorts.images(some, 32), [network], imaging.recipe("recall_first", "eval", 32), "fp32")
    d = some.assign(score=found)[some.image_type == "dermoscopic"]
    assert np.isfinite(found).all() and len(d) == d.lesion_id.nunique()
    rates = judged_gaps.at_home(d, .5, n_boot=40)
    sizes = rates.drop_duplicates("group").set_index("group")
    assert sizes.n_pos["dark"] + sizes.n_pos["light"] == d.melanoma.sum()
    gaps = judged_gaps.tone_gaps(d, .5, n_boot=40)
    assert gaps.empty or gaps.set_index("metric").ci_low["auroc"] < 0 < gaps.set_index("metric").ci_high["auroc"]

def test_home_data_is_named():
    with pytest.raises(ValueError, match="nearest is 'ham10000'"): judged_gaps.foreign("ham1000")
    assert not set(judged_gaps.foreign("phantom", 60).image_id) & set(recall_first.load("phantom", 60).image_id)
