import keras
import numpy as np
import pytest

from textbook.models import cnn, mlp


@pytest.mark.parametrize("shape", [(64,), (8, 8), (8, 8, 1), (6, 4, 3)])
def test_a_convnet_takes_images_however_their_pixels_are_kept(shape):
    model = cnn(shape, 10)
    assert model(np.zeros((2, *shape), "float32")).shape == (2, 10)


def test_flat_pixels_are_the_image_row_by_row():
    keras.utils.set_random_seed(0)
    flat, image = cnn((64,), 3), cnn((8, 8, 1), 3)
    image.set_weights(flat.get_weights())
    x = np.random.default_rng(0).normal(size=(4, 64)).astype("float32")
    np.testing.assert_allclose(flat(x), image(x.reshape(4, 8, 8, 1)), rtol=1e-5)


def test_the_books_small_convnet_has_its_size():
    # 9·8 + 8, 9·8·16 + 16, 16·10 + 10
    assert cnn((64,), 10).count_params() == 80 + 1168 + 170
    # batch norm: scale and shift in place of the bias, and two statistics
    assert cnn((64,), 10, batch_norm=True).count_params() == 72 + 32 + 1152 + 64 + 170


def test_strides_halve_the_image_and_penalties_reach_every_kernel():
    model = cnn((8, 8), 2, strides=2, l2=0.1, dropout=0.5)
    sizes = [layer.output.shape[1:3] for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert sizes == [(4, 4), (2, 2)]
    model(np.zeros((1, 8, 8), "float32"))
    assert len(model.losses) == 3


@pytest.mark.parametrize("shape", [(13,), (), (2, 2, 2, 2)])
def test_what_is_no_image_is_refused(shape):
    with pytest.raises(ValueError, match="expected an image"):
        cnn(shape, 10)


def kinds(model):
    return [type(layer).__name__ for layer in model.layers]


def test_batch_norm_stands_before_the_activation_or_behind_it_and_dropout_comes_last():
    before = mlp((4,), 2, hidden=(3,), batch_norm="before", dropout=0.5)
    assert kinds(before) == ["Dense", "BatchNormalization", "Activation", "Dropout", "Dense"]
    after = mlp((4,), 2, hidden=(3,), batch_norm="after", dropout=0.5)
    assert kinds(after) == ["Dense", "Activation", "BatchNormalization", "Dropout", "Dense"]
    # the bias goes only where the normalisation would take it away
    assert [before.layers[0].use_bias, after.layers[0].use_bias] == [False, True]


def test_true_means_before_and_false_neither():
    true, before = (mlp((4,), 2, hidden=(3, 3), batch_norm=where) for where in (True, "before"))
    assert kinds(true) == kinds(before) and true.count_params() == before.count_params()
    assert kinds(mlp((4,), 2, hidden=(3,), batch_norm=False)) == ["Dense", "Activation", "Dense"]


@pytest.mark.parametrize("word", ["pre", "behind", 2])
def test_another_word_for_the_place_of_batch_norm_is_refused(word):
    with pytest.raises(ValueError, match="expected batch_norm as True, False, 'before' or 'after'"):
        mlp((4,), 2, batch_norm=word)
