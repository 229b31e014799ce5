"On real data and weights, where SKINNB_DATA and SKINNB_WEIGHTS name their folders; otherwise each test says that it was skipped."
import os
import numpy as np, pytest, torch
from skinnb import cohorts, nets
from skinnb.recall_first import data as recall_first

data = pytest.mark.skipif(not os.environ.get("SKINNB_DATA"), reason="SKINNB_DATA is not set: no real data at hand")
weights = pytest.mark.skipif(not os.environ.get("SKINNB_WEIGHTS"), reason="SKINNB_WEIGHTS is not set: no weights at hand")

@pytest.fixture(scope="module")
def biopsied(tmp_path_factory):
    os.environ["SKINNB_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    yield cohorts.histo(cohorts.load("ham10000"))
    del os.environ["SKINNB_CACHE"]

@data
def test_cohort_counts_are_the_papers(biopsied):
    "melanoma_ddpm, section III-B: 3,611 images of 1,981 lesions."
    assert (len(biopsied), biopsied.lesion_id.nunique()) == (3611, 1981)
    assert biopsied.target.value_counts().to_dict() == {0: 2498, 1: 1113}

@data
def test_split_is_by_lesion(biopsied):
    split = cohorts.ddpm_split(biopsied, seed=42)
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
