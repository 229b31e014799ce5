"Backbones by pages: what is served, what is served in another way and says so, what is refused before it trains."
import os, subprocess, sys, warnings
import numpy as np, pytest, torch
from skinnb import cohorts, imaging, nets
from skinnb.melanoma_ddpm.classify import arm
from skinnb.recall_first import data as the_data, train as the_train
from skinnb.recall_first.ablation import inference_cost
from skinnb.recall_first.explain import judged, read, spots

# backbone: what training says, where heat maps are read at 64 px (None: refused)
layout, earlier = "contiguous memory layout", "single place"
matrix = {
    "resnet18": ("", "layer4", ""), "densenet121": ("", "features.norm5", ""), "convnext_atto": ("", "stages.3", ""),
    "regnety_002": ("", "s4", ""), "efficientnet_lite0": ("", "blocks.6", ""), "mobilenetv3_small_100": ("", "blocks.5", ""),
    "mixer_s32_224": ("", "blocks.7", ""), "vit_tiny_patch16_224": ("", "blocks.11", ""),
    "deit3_small_patch16_224": ("", "blocks.11", ""), "swin_tiny_patch4_window7_224": ("", "layers.3", ""),
    "hrnet_w18_small": ("", "final_layer", ""), "pit_ti_224": ("", "transformers.2.blocks", ""),
    "levit_128s": ("", "stages.1", earlier), "repvgg_a0": (layout, "final_conv", ""),
    "mobileone_s0": (layout, "final_conv", ""), "tnt_s_legacy_patch16_224": ("", None, "gives no single map")}
refused = {("crossvit_9_240", 64): "its own size is 240", ("vit_tiny_patch16_224", 63): "multiples of its patch of 16 px",
    ("densenet121", 16): "its own size is 224"}

pytestmark = pytest.mark.filterwarnings("ignore:no pretrained weights")

@pytest.fixture(scope="module")
def study():
    cohort = the_data.cohort_of("phantom", 40, 3)
    return cohort, np.asarray(cohorts.images(cohort, 64)), np.asarray(cohorts.masks(cohort, 64))

def stages(paper): return [imaging.recipe(paper, s, 64) for s in ("train", "eval")]

def told(f): # (result, every warning)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        return f(), " | ".join(str(w.message) for w in caught)

@pytest.mark.parametrize("backbone", matrix)
def test_recall_first(backbone, study):
    "02_train, 02a, 04 and 05 use `member`; 02b `inference_cost`; 03_explain `read` and `judged`."
    says, stage, why = matrix[backbone]
    cohort, images, masks = study
    nets.serves(backbone, 64)
    one, message = told(lambda: the_train.member(cohort, images, backbone, the_train.scaled("full"),
        stages("recall_first"), img_size=64, n_epochs=1, bs=16, seed=1))
    assert (layout in message) == (says == layout), message
    # from noise, after a few steps, a network may score all images alike: that it trained is what is asked here
    assert one["scores"].score.between(0, 1).all() and np.isfinite(one["history"].train_loss).all()
    assert len(one["scores"]) == ((cohort.fold_corrected == 0) | (cohort.fold_corrected < 0)).sum()
    assert inference_cost(backbone, 64)["gflops_one"] > 0
    if stage is None:
        with pytest.raises(ValueError, match=why): nets.serves(backbone, 64, ("train", "maps"))
        return
    model = the_train.network(one, backbone, 64)
    where, message = told(lambda: spots(model))
    assert where["last"] == stage and (why in message if why else earlier not in message)
    found = judged(read([model], images[:3]), masks[:3])
    heights = found.xs("height", axis=1, level=1)
    assert np.isfinite(heights.to_numpy()).all() and (heights >= 0).all(axis=None)
    there = heights["Grad-CAM"] > 0 # an empty map has no place, and every other one has
    assert (found["Grad-CAM", "energy"].notna() == there).all()

@pytest.mark.parametrize("backbone", ["mixer_s32_224", "pit_ti_224", "levit_128s", "hrnet_w18_small", "repvgg_a0"])
def test_melanoma_ddpm(backbone):
    "01_classify, for the kinds that test_backbones does not hold."
    from skinnb import phantoms
    cohort = cohorts.split_balanced_test(cohorts.histo(phantoms.cohort(40, seed=3, prevalence=.4, images_per_lesion=1)), n_test=5)
    one, _ = told(lambda: arm(cohort, phantoms.draw(cohort, 64), backbone, stages("melanoma_ddpm"), img_size=64,
        n_epochs=1, bs=8, seed=1))
    assert one["scores"].score.between(0, 1).all()

@pytest.mark.parametrize("backbone,size", refused)
def test_refused(backbone, size):
    with pytest.raises(ValueError, match=refused[backbone, size]) as e: nets.serves(backbone, size)
    nearest = str(e.value).rsplit("; ", 1)[1].split("'")[1]
    assert nets.serves(nearest, size) == nearest # what the message recommends works

def test_layers_that_overrun():
    "Exactly the strided 1x1 convolutions with fewer than 16 channels."
    conv = lambda i, k=1, s=2, g=1: nets.overrun(torch.nn.Conv2d(i, 16, k, stride=s, groups=g))
    assert [bool(conv(*a)) for a in ((3,), (15,), (16,), (3, 3), (3, 1, 1), (8, 1, 2, 8))] == [True, True, False, False, False, False]

def test_contiguous_layout_is_right():
    "A strided 1x1 convolution is a matrix product over the places that the stride leaves: checked in float64."
    noise = lambda *shape: torch.randn(shape, generator=torch.Generator().manual_seed(42))
    conv, x, upstream = torch.nn.Conv2d(3, 48, 1, stride=2, bias=False), noise(2, 3, 64, 64), noise(2, 48, 32, 32)
    conv(x).backward(upstream)
    left, right = upstream.double(), x[..., ::2, ::2].double()
    exact, sizes = (torch.einsum("bohw,bihw->oi", a, b) for a, b in ((left, right), (left.abs(), right.abs())))
    bound = upstream[:, 0].numel()*torch.finfo(torch.float32).eps*sizes # whatever the order of the sum
    assert ((conv.weight.grad[..., 0, 0] - exact).abs() <= bound).all()

@pytest.mark.parametrize("backbone", ["repvgg_a0", "mobileone_s0"])
def test_no_native_crash(backbone):
    "Many steps, in a process of its own: with channels_last on x86 this one dies."
    steps = ("import sys, numpy as np; from skinnb import nets, train; rng = np.random.default_rng(0)\n"
        "images, y = rng.integers(0, 256, (64, 64, 64, 3), dtype=np.uint8), np.arange(64) % 2\n"
        "m = nets.build(sys.argv[1], pretrained=False, img_size=64, seed=1)\n"
        "h = train.fit(m, images, y, np.arange(48), np.arange(48, 64), spec=train.Training(n_epochs=2, bs=8), quiet=True)\n"
        "assert np.isfinite(h.train_loss).all()")
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", steps, backbone], capture_output=True, text=True,
        timeout=300, env={**os.environ, "SKINNB_PLAIN": "1"})
    assert done.returncode == 0, done.stderr[-500:]
