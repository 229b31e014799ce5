"Skin tone judged by people: what is refused, what the agreement numbers must say, and the counts of the real set."
import numpy as np, pandas as pd, pytest
from skinnb import cohorts
from skinnb.across import judged
from skinnb.archives import at_hand, described, encoded, write_zip

ELEVEN = "AKIEC,BCC,BEN_OTH,BKL,DF,INF,MAL_OTH,MEL,NV,SCCKA,VASC"
GREY = encoded(np.full((12, 16, 3), 200, np.uint8))

def milk(folder, tones=("1", "4"), without=None):
    "A made-up MILK10k of two lesions, laid out like the official one; a file of some role may be missing."
    folder.mkdir(parents=True)
    pairs = [(f"IL_{i}", k, f"ISIC_{i}{k[0]}", t) for i, t in enumerate(tones) for k in ("clinical: close-up", "dermoscopic")]
    files = dict(images=("Input.zip", {f"In/{lesion}/{i}.jpg": GREY for lesion, _, i, _ in pairs}),
        metadata=("Metadata.csv", "lesion_id,image_type,isic_id,age_approx,sex,skin_tone_class,site\n"
            + "".join(f"{lesion},{kind},{i},60,male,{t},trunk\n" for lesion, kind, i, t in pairs)),
        classes=("Truth.csv", f"lesion_id,{ELEVEN}\n" + "".join(f"IL_{i},0,0,0,0,0,0,0,1,0,0,0\n" for i in range(len(tones)))),
        supplement=("Supplement.csv", "isic_id,diagnosis_full,diagnosis_confirm_type,invasion_thickness_interval\n"
            + "".join(f"{i},Melanoma,histopathology,\n" for _, _, i, _ in pairs)))
    for name, content in files.values():
        if isinstance(content, str): (folder/name).write_text(content)
        else: write_zip(folder/name, content)
    book = {"milk10k": dict(address="made up", editions={"official": [described(folder/f, role) for role, (f, _) in files.items()]})}
    if without: (folder/files[without][0]).unlink()
    return lambda: judged.with_judged(cohorts.load("milk10k", dest=folder/"data", source=folder, book=book))

def test_a_made_up_set_is_read(tmp_path):
    found = milk(tmp_path/"a")()
    assert found.judged.tolist() == [1, 1, 4, 4] and found.image_type.tolist() == ["dermoscopic", "clinical"]*2

@pytest.mark.parametrize("role, name", [("metadata", "Metadata.csv"), ("classes", "Truth.csv")])
def test_without_its_metadata(tmp_path, role, name):
    "The error names the file that is not there."
    with pytest.raises(FileNotFoundError, match=name): milk(tmp_path/"a", without=role)()

@pytest.mark.parametrize("tones, odd", [(("1", "brown"), "'brown'"), (("2", "9"), "9"), (("2.5", "1"), "2.5"), (("-1", "0"), "-1")])
def test_a_tone_that_is_no_class(tmp_path, tones, odd):
    with pytest.raises(ValueError, match=f"tone_class {odd} is unknown; whole numbers from 0 to 5 are accepted"): milk(tmp_path/"a", tones)()

def test_nobody_judged(tmp_path):
    "One lesion without a class is left out; none with one is an error."
    assert milk(tmp_path/"a", ("", "3"))().judged.unique().tolist() == [3]
    with pytest.raises(ValueError, match="no lesion has a tone_class"): milk(tmp_path/"b", ("", ""))()

def test_chance_agrees_with_nobody():
    "Shuffled classes: every rank correlation and kappa has an interval around 0, the area one around 1/2, in nine of ten sets at least."
    rng, held = np.random.default_rng(0), []
    for k in range(20):
        d = pd.DataFrame(dict(ita=rng.uniform(-50, 70, 150), judged=rng.integers(0, 6, 150).astype(float)))
        d["tone"] = judged.tone.tone_class(d.ita)
        f = judged.agreement_lines(d, n_boot=100, seed=k).set_index("metric")
        null = pd.Series(dict(spearman=0, kendall=0, kappa=0, auroc=.5))
        held.append((f.ci_low[null.index] <= null) & (null <= f.ci_high[null.index]))
    assert pd.DataFrame(held).mean().min() >= .8

def test_judges_noise_lowers_every_number():
    "The drawn angle against judges without, with some and with much error."
    def truth(noise):
        f = judged.with_judged(judged.drawn(500, noise))
        f = f[f.dx.isin(["mel", "nv"]) & (f.image_type == "clinical")]
        f = f.assign(tone=judged.tone.tone_class(f.ita.astype(float)))
        return judged.agreement_lines(f, n_boot=20).set_index("metric").estimate
    none, some, much = (truth(v) for v in (0, .6, 1.5))
    wanted = ["spearman", "kendall", "kappa", "auroc"]
    assert none.kappa == 1 and none.auroc == 1 and (none[wanted] > some[wanted]).all() and (some[wanted] > much[wanted]).all()

def test_selection_is_that_of_the_compact_edition():
    "Light lesions are melanomas and nevi alone, dark ones anything; both photographs of a lesion, or none."
    f = judged.drawn(400)
    assert set(f[f.tone_class > 2].dx) == {"mel", "nv"} and "bkl" in set(f[f.tone_class < 3].dx)
    assert (f.groupby("lesion_id").size() == 2).all()

@pytest.mark.skipif("milk10k" not in set(at_hand().name), reason="milk10k not at hand: set SKINNB_DATA or run skinnb_data")
def test_real_lesions_by_judged_class():
    "Melanomas and nevi by class, as counted by hand from the official tables; nothing else is complete."
    f = judged.load("milk10k").drop_duplicates("lesion_id")
    both = f[f.dx.isin(["mel", "nv"])].groupby(["judged", "dx"]).size().unstack(fill_value=0)
    assert both.values.tolist() == [[0, 2], [16, 16], [121, 185], [200, 319], [90, 172], [23, 52]]
    assert set(f[f.judged > 2].dx) == {"mel", "nv"} and "milk10k (256px), melanomas and nevi" in judged.said(f, 256)
