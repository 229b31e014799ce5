"On real data and weights, where they are at hand; otherwise each test says that it was skipped."
import io, os, zipfile
import numpy as np, pytest, torch
from PIL import Image, JpegImagePlugin
from skinnb import cohorts, nets
from skinnb.archives import at_hand, encoded, manifest
from skinnb.editions import pack
from skinnb.study import data_dir, key_of
from skinnb.recall_first import data as recall_first

here = set(at_hand().name)

def needs(*names): # skip where a data set is neither in SKINNB_DATA nor unpacked
    lost = sorted(set(names) - here)
    return pytest.mark.skipif(bool(lost), reason=f"{', '.join(lost)} not at hand: set SKINNB_DATA or run skinnb_data")

data = needs("ham10000")
weights = pytest.mark.skipif(not os.environ.get("SKINNB_WEIGHTS"), reason="SKINNB_WEIGHTS is not set: no weights at hand")

@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    "A cache of its own where the archives are at hand; else the one that holds what was unpacked."
    before = os.environ.get("SKINNB_CACHE")
    if data_dir(): os.environ["SKINNB_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    yield
    os.environ.pop("SKINNB_CACHE", None)
    if before: os.environ["SKINNB_CACHE"] = before

@pytest.fixture(scope="module")
def biopsied(cache): return cohorts.histo(cohorts.load("ham10000"))

@data
def test_cohort_counts_are_the_papers(biopsied):
    "melanoma_ddpm, section III-B: 3,611 images of 1,981 lesions."
    assert (len(biopsied), biopsied.lesion_id.nunique()) == (3611, 1981)
    assert biopsied.target.value_counts().to_dict() == {0: 2498, 1: 1113}

@data
def test_split_is_by_lesion(biopsied):
    split = cohorts.split_balanced_test(biopsied, seed=42)
    assert split.groupby("split").lesion_id.nunique().to_dict() == {"test": 200, "train": 1460, "valid": 321}
    assert split.groupby("lesion_id").split.nunique().max() == 1
    assert split[(split.split == "test") & split.last_image].target.value_counts().to_dict() == {0: 100, 1: 100}

@data
def test_pictures_and_masks_fit(biopsied):
    few = biopsied.head(24)
    images, masks = cohorts.images(few, 64), cohorts.masks(few, 64)
    assert images.shape == (24, 64, 64, 3) and masks.shape == (24, 64, 64)
    inside = np.array([i[m].mean() for i, m in zip(images, masks)])
    outside = np.array([i[~m].mean() for i, m in zip(images, masks)])
    assert (inside < outside).mean() > .9, "a pigmented lesion is darker than the skin around it"

@weights
def test_resnet50_takes_the_folder_weights():
    model = nets.build("resnet50", n_out=None, img_size=64)
    assert model.weights["source"] == "SKINNB_WEIGHTS"
    assert model(torch.zeros(1, 3, 64, 64)).shape == (1, 1000)

@data
def test_recall_first_cohort(biopsied):
    "HAM10000 as recall_first reads it: AKIEC stays malignant, 18 published pairs of lesions are one, the hold-out shares no lesion with training."
    cohort = recall_first.split(recall_first.load("ham10000"))
    assert (len(cohort), int(cohort.target.sum()), cohort.lesion_id.nunique()) == (10015, 1954, 7452)
    assert cohort.groupby("lesion_id").split.nunique().max() == 1
    train = cohort[cohort.split == "train"]
    assert train.groupby("lesion_id").fold_corrected.nunique().max() == 1 < train.groupby("lesion_id").fold_faithful.nunique().max()

@needs("ham10000", "isic2018", "isic2018_task3_test")
def test_isic_blocks_share_no_id():
    "The overlaps table says so; Task 3's test is the paper's, class by class."
    sets = {k: cohorts.load(k) for k in ("ham10000", "isic2018", "isic2018_task3_test")}
    ids = [set(f.image_id) for f in sets.values()]
    assert sum(map(len, ids)) == len(set.union(*ids)) == 10015 + 2594 + 1512
    test = sets["isic2018_task3_test"]
    assert test.dx.value_counts().to_dict() == dict(nv=909, bkl=217, mel=171, bcc=93, df=44, akiec=43, vasc=35)
    assert cohorts.label(test, "malignant_vs_benign").value_counts().to_dict() == {1: 171 + 93 + 43, 0: 909 + 217 + 44 + 35}
    assert cohorts.images(test.head(5), 64).std() > 20

@needs("milk10k")
def test_milk10k_by_judged_tone():
    "1,473 lesions in two images each; melanoma and nevus by tone class as counted by hand from the official tables."
    milk = cohorts.load("milk10k")
    assert milk.groupby("lesion_id").image_type.agg(tuple).value_counts().to_dict() == {("dermoscopic", "clinical"): 1473}
    one = milk[milk.image_type == "dermoscopic"]
    found = one.groupby(["tone_class", "dx"]).size().unstack(fill_value=0)[["mel", "nv"]]
    assert found.values.tolist() == [[0, 2], [16, 16], [121, 185], [200, 319], [90, 172], [23, 52]]
    assert milk.groupby("lesion_id")[["tone_class", "dx", "age"]].nunique().max().max() == 1
    assert set(milk.dx_type) == {"histo", "clinical"} and milk.fst.isna().all()
    assert cohorts.label(one, "melanoma_vs_rest").notna().all()
    bowen = one[one.dx_full.str.startswith("Squamous cell carcinoma in situ")]
    assert len(bowen) and set(bowen.dx) == {"akiec"}, "akiec is mixed, and dx_full tells it apart"

@needs("milk10k", "milk10k_near_duplicates", "ham10000", "isic2018_task3_test")
def test_listed_pairs_are_real_and_our_hash_finds_some():
    "Ids of the list exist; at .99 both pictures look alike, and the project's own hash finds several of them."
    pairs = cohorts.listed_pairs()
    assert pairs.source_b.value_counts().to_dict() == {"ham10000": 551, "isic2018_task3_test": 154}
    assert (pairs.score >= .97).groupby(pairs.source_b).sum().to_dict() == {"ham10000": 283, "isic2018_task3_test": 39}
    sets = {k: cohorts.load(k).set_index("image_id", drop=False) for k in ("milk10k", "ham10000", "isic2018_task3_test")}
    assert all(b in sets[s].index for b, s in zip(pairs.image_b, pairs.source_b))
    sure = pairs[(pairs.score >= .99) & pairs.image_a.isin(sets["milk10k"].index) & (pairs.source_b == "ham10000")]
    a, b = sets["milk10k"].loc[sure.image_a], sets["ham10000"].loc[sure.image_b]
    x = np.concatenate([cohorts.images(f.reset_index(drop=True), 64) for f in (a, b)])
    near = cohorts.near_duplicates(x, [*a.image_id, *b.image_id], min_correlation=.95)
    found = set(zip(near.image_a, near.image_b)) & set(zip(sure.image_a, sure.image_b))
    assert len(sure) > 20 and len(found) > len(sure)/2, (len(sure), len(found))

@needs("fitzpatrick17k")
def test_fitzpatrick17k_labels():
    labels = cohorts.load("fitzpatrick17k")
    assert labels.fst.value_counts().sort_index().tolist() == [2947, 4808, 3308, 2781, 1533, 635]
    assert int(labels.fst.isna().sum()) == 565 and len(labels) == 16577
    assert labels[labels.dx == "mel"].partition.unique().tolist() == ["malignant"] and (labels.dx == "mel").sum() == 573
    with pytest.raises(ValueError, match="fitzpatrick17k has no picture for 16577 of 16577 rows"): cohorts.images(labels, 32)

@needs("pad_ufes20")
def test_pad_ufes20_and_its_further_images():
    few, more = cohorts.load("pad_ufes20", "256px"), cohorts.load("pad_ufes20", "256px_more")
    assert (len(few), len(more)) == (686, 875) and set(few.image_id) < set(more.image_id)
    added = more[~more.image_id.isin(few.image_id)]
    assert added.fst.value_counts().to_dict() == {2: 63, 3: 28, 1: 11, 4: 2} and added.fst.isna().sum() == 85
    assert few.mask_path.notna().all() and added.mask_path.isna().all()

recipes = [(k, f) for k, v in manifest().items() if k != "overlaps" for fs in v["editions"].values() for f in fs if "quality" in f.get("made", {})]

@pytest.mark.skipif(not data_dir(), reason="SKINNB_DATA is not set: no archives at hand")
@pytest.mark.parametrize("name, f", recipes, ids=[f["name"] for _, f in recipes])
def test_recipe_has_the_geometry_and_quality_of_our_own_edition(name, f):
    "Width, squareness, JPEG tables and colour of the archive at hand are those that the recipe makes."
    if not (data_dir()/f["path"]).is_file(): pytest.skip(f"{f['name']} is not at hand")
    how = f["made"]
    wanted = Image.open(io.BytesIO(encoded(np.zeros((16, 16, 3), np.uint8), quality=how["quality"], subsampling="4:2:0")))
    with zipfile.ZipFile(data_dir()/f["path"]) as z:
        for n in [n for n in z.namelist() if n.endswith(".jpg")][::200]:
            im = Image.open(io.BytesIO(z.read(n)))
            assert im.width == how["side"] and (im.width == im.height or not how["square"]), n
            assert im.quantization == wanted.quantization and JpegImagePlugin.get_sampling(im) == JpegImagePlugin.get_sampling(wanted), n

@data
def test_pack_of_real_images(tmp_path, biopsied):
    "300 images at 128 px through a pack: the same pixels and masks, byte for byte, in shards below the limit."
    few = biopsied.iloc[:: len(biopsied)//300].head(300).reset_index(drop=True)
    there = pack(few, 128, tmp_path/"packs", "2MB")
    assert max(p.stat().st_size for p in there.glob("shard*")) < 2e6 and len(list(there.glob("shard*"))) > 2
    back = cohorts.load("ham10000", "pack-128px", tmp_path/"far", tmp_path/"packs")
    assert (np.asarray(cohorts.images(back, 128)) == cohorts.images(few, 128)).all()
    assert (np.asarray(cohorts.masks(back, 128)) == cohorts.masks(few, 128)).all()
    same = ["image_id", "lesion_id", "dx", "dx_type", "target", "age", "sex", "site"]
    rows = lambda f: f[same].astype(object).where(f[same].notna(), None).values.tolist()
    assert rows(back) == rows(few)
    key = lambda f: key_of(cohorts.near_duplicates, cohorts.images(f, 128), f[same])
    assert key(back) == key(few), "what is trained on a pack would not be found beside the archives"
