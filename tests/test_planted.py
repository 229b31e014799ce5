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
    return model, train.fit(model, images, y, train_on, valid, n_epochs=4, bs=8, lr=3e-3, quiet=True,
        **settings)

def test_train_leaves_the_weights_of_the_epoch_it_names(small):
    images, y, _, valid = small
    for checkpoint in ("valid_auc", "last"):
        model, history = fitted(small, checkpoint=checkpoint, seed=1)
        auc = train.auroc(y[valid], train.predict(model, images, valid))
        assert np.isclose(auc, history.valid_auc[history.kept].item())
        if checkpoint == "valid_auc": assert not history.kept.iloc[-1] and not np.isclose(auc,
            history.valid_auc.iloc[-1]) # so that it could fail

def test_train_orders_by_its_seed(small):
    orders = [train.epoch_order(np.arange(50), seed=s, epoch=e).tolist() for s,
        e in ((1, 0), (1, 0), (2, 0), (1, 1))]
    assert orders[0] == orders[1] and orders[0] not in orders[2:]
    y = np.arange(50) < 10
    drawn = [train.epoch_order(np.arange(50), y, "inverse_class", seed=s).tolist() for s in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    losses = [fitted(small, seed=s)[1].train_loss.tolist() for s in (1, 1, 2)]
    assert losses[0] == losses[1] != losses[2]
