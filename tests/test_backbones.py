"Any timm backbone: ten families through the paper page's own training, on phantoms."
import numpy as np, pytest, warnings
from skinnb import cohorts, imaging, phantoms
from skinnb.melanoma_ddpm.classify import arm, corrected, faithful

stages = [imaging.recipe("melanoma_ddpm", s, 64) for s in ("train", "eval")]
families = ["resnet18", "resnet50", "efficientnet_b0", "efficientnet_lite0", "mobilenetv3_small_100", "densenet121",
    "convnext_atto", "regnety_002", "vit_tiny_patch16_224", "swin_tiny_patch4_window7_224"]

@pytest.fixture(scope="module")
def study():
    cohort = cohorts.split_balanced_test(cohorts.histo(phantoms.cohort(40, seed=3, prevalence=.4, images_per_lesion=1)), n_test=5)
    return cohort, phantoms.draw(cohort, 64)

@pytest.mark.parametrize("backbone", families)
def test_family(backbone, study):
    cohort, images = study
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one = arm(cohort, images, backbone, stages, img_size=64, n_epochs=1, bs=8, seed=1)
    assert one["scores"].score.between(0, 1).all() and one["scores"].score.nunique() > 1
    assert len(faithful(one["scores"], backbone, data="phantoms", seed=1)) == 4
    assert set(corrected({1: one["scores"]}, backbone, n_boot=20).metric) == {"roc_auc", "balanced_accuracy", "sensitivity", "specificity"}

def test_same_seed_same_scores(study):
    cohort, images = study
    a, b, c = (arm(cohort, images, "mobilenetv3_small_100", stages, img_size=64, n_epochs=1, bs=8, seed=s)["scores"].score.to_numpy() for s in (1, 1, 2))
    assert np.array_equal(a, b) and not np.array_equal(a, c)
