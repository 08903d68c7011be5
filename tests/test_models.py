import keras
import numpy as np
import pytest

from textbook.models import cnn


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
