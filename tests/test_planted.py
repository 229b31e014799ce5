"Checks that a planted bug asked for (tools/mutants.py): each fails where one bug was planted and nothing else saw it."
import numpy as np, pytest, torch
from skinnb import nets, phantoms, train

@pytest.fixture(scope="module")
def small():
    frame = phantoms.cohort(60, seed=5, prevalence=.4, images_per_lesion=1)
    valid = np.arange(len(frame)) % 3 == 0
    return phantoms.draw(frame, 32), frame.target.to_numpy(int), ~valid, valid

def fitted(small, **settings):
    images, y, train_on, valid = small
    model = nets.build("mobilenetv3_small_050", n_out=1, pretrained=False, img_size=32, seed=0)
    spec = train.Training(n_epochs=4, bs=8, lr=3e-3, **settings)
    return model, train.fit(model, images, y, train_on, valid, spec=spec, quiet=True)

def test_train_leaves_the_weights_of_the_epoch_it_names(small):
    "Seed by seed, until the best epoch is not the last one and the two differ by more than rounding can."
    images, y, _, valid = small
    pair = 1.01/(y[valid].sum()*(1 - y[valid]).sum()) # two scores that are equal but for rounding may change places
    for seed in range(1, 9):
        for checkpoint in ("last", "valid_auc"):
            model, history = fitted(small, checkpoint=checkpoint, seed=seed)
            auc = train.auroc(y[valid], train.predict(model, images, valid))
            assert abs(auc - history.valid_auc[history.kept].item()) <= pair
        if history.valid_auc.max() - history.valid_auc.iloc[-1] > 3*pair: return
    pytest.fail("the last epoch was the best with every seed: nothing was tested")

def test_train_orders_by_its_seed(small):
    orders = [train.epoch_order(np.arange(50), seed=s, epoch=e).tolist() for s,
        e in ((1, 0), (1, 0), (2, 0), (1, 1))]
    assert orders[0] == orders[1] and orders[0] not in orders[2:]
    y = np.arange(50) < 10
    drawn = [train.epoch_order(np.arange(50), y, "inverse_class", seed=s).tolist() for s in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    losses = [fitted(small, seed=s)[1].train_loss.tolist() for s in (1, 1, 2)]
    assert losses[0] == losses[1] != losses[2]
