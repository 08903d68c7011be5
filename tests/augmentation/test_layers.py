"""The layers against the NumPy reference and Keras's own, in models, pipelines, files and stacks of replicas."""

import functools
import math

import keras
import numpy as np
import pytest

from textbook import datasets, splits
from textbook.augmentation import RandomFlip, RandomRotation, RandomShift, RandomWarp, flip, rotate, shift, warp
from textbook.replicas import train_replicas

IMAGES = np.random.default_rng(0).random((5, 7, 10, 2)).astype("float32")


def numbers(values):
    return keras.ops.convert_to_numpy(values)


def amounts(seed, count):
    """What a layer draws first, by the seed: down, across and angle as shares of the largest."""
    return numbers(keras.random.uniform((count, 3), -1, 1, seed=keras.random.SeedGenerator(seed))).T


@pytest.mark.parametrize("fill", [0.0, 0.6, "edge"])
def test_a_warp_is_the_reference_at_the_amounts_drawn(fill):
    down, across, angle = amounts(3, 5)
    ours = numbers(RandomWarp(pixels=(1, 2), degrees=40, fill=fill, seed=3)(IMAGES, training=True))
    wanted = warp(IMAGES, down=down, across=2 * across, degrees=40 * angle, fill=fill)
    np.testing.assert_allclose(ours, wanted, atol=2e-6)
    ours = numbers(RandomShift(2, fill=fill, seed=3)(IMAGES, training=True))
    np.testing.assert_allclose(ours, shift(IMAGES, 2 * down, across=2 * across, fill=fill), atol=2e-6)
    ours = numbers(RandomRotation(90, fill=fill, seed=3)(IMAGES, training=True))
    np.testing.assert_allclose(ours, rotate(IMAGES, 90 * angle, fill=fill), atol=5e-6)


def test_whole_shifts_are_drawn_evenly_and_move_pixels_as_they_are():
    spot = np.zeros((3000, 7, 7, 1), "float32")
    spot[:, 3, 3] = 1
    where = np.argwhere(numbers(RandomShift((2, 1), whole=True, seed=0)(spot, training=True)))
    assert len(where) == 3000, "a pixel was blurred, or lost"
    counts = np.unique(where[:, 1:3] - 3, axis=0, return_counts=True)[1]
    assert len(counts) == 15 and counts.min() > 150 and counts.max() < 250


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_keras_turns_by_shares_of_a_full_turn_and_moves_by_shares_of_the_image():
    keras_layers = keras.layers
    theirs = keras_layers.RandomRotation((0.05, 0.05), fill_mode="constant")(IMAGES, training=True)
    np.testing.assert_allclose(rotate(IMAGES, 18), numbers(theirs), atol=2e-6)
    theirs = keras_layers.RandomTranslation((0.2, 0.2), (-0.15, -0.15), fill_mode="nearest")(IMAGES, training=True)
    np.testing.assert_allclose(shift(IMAGES, 1.4, across=-1.5, fill="edge"), numbers(theirs), atol=2e-6)
    theirs = numbers(keras_layers.RandomFlip("vertical", seed=1)(IMAGES, training=True))
    for image, mirrored, after in zip(IMAGES, flip(IMAGES, axis="vertical"), theirs, strict=True):
        assert np.array_equal(after, image) or np.array_equal(after, mirrored)


def test_the_share_of_images_that_is_asked_for_is_flipped():
    many = np.tile(IMAGES, (400, 1, 1, 1))
    for axis in ("horizontal", "vertical"):
        after = numbers(RandomFlip(share=0.3, axis=axis, seed=0)(many, training=True))
        flipped = (after == flip(many, axis=axis)).all(axis=(1, 2, 3))
        assert flipped.mean() == pytest.approx(0.3, abs=0.04)
        assert np.array_equal(after[~flipped], many[~flipped])
    assert np.array_equal(numbers(RandomFlip(share=1.0)(IMAGES, training=True)), flip(IMAGES))


EVERY = [RandomWarp(pixels=1, degrees=9, seed=1), RandomShift(1.5), RandomRotation(), RandomFlip(share=0.4)]


@pytest.mark.parametrize("layer", EVERY, ids=lambda layer: type(layer).__name__)
def test_inference_leaves_images_alone_and_calls_differ(layer):
    assert np.array_equal(numbers(layer(IMAGES)), IMAGES)
    first, second = (numbers(layer(np.tile(IMAGES, (4, 1, 1, 1)), training=True)) for _ in range(2))
    assert not np.array_equal(first, second)
    assert layer(IMAGES[0], training=True).shape == IMAGES[0].shape
    assert keras.backend.standardize_dtype(layer((255 * IMAGES).astype("uint8"), training=True).dtype) == "float32"
    copy = type(layer).from_config(layer.get_config())
    assert copy.get_config() == layer.get_config()


@pytest.mark.parametrize("layer", EVERY, ids=lambda layer: type(layer).__name__)
def test_channels_may_come_first(layer):
    if keras.backend.backend() == "tensorflow":
        first = type(layer).from_config(layer.get_config() | {"data_format": "channels_first", "seed": 4})
        last = type(layer).from_config(layer.get_config() | {"seed": 4})
        ours = numbers(first(np.moveaxis(IMAGES, -1, 1), training=True))
        np.testing.assert_allclose(np.moveaxis(ours, 1, -1), numbers(last(IMAGES, training=True)), atol=1e-6)


def augmented(warping=True):
    layers = [keras.layers.Rescaling(1 / 16), keras.layers.Reshape((8, 8, 1))]
    layers += [RandomWarp(pixels=1, degrees=15), RandomFlip(share=0.2)] if warping else []
    return keras.Sequential([keras.Input((64,)), *layers, keras.layers.Flatten(), keras.layers.Dense(10)])


def test_a_saved_model_answers_as_before_and_still_augments(tmp_path):
    model = augmented()
    x = np.random.default_rng(1).random((4, 64)).astype("float32")
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert np.array_equal(numbers(loaded(x)), numbers(model(x)))
    assert not np.allclose(numbers(loaded(x, training=True)), numbers(loaded(x)))
    assert len(augmented().weights) == len(augmented(warping=False).weights)


@pytest.mark.tensorflow
def test_a_pipeline_may_map_them_over_batches_and_single_images():
    import tensorflow as tf

    layer = RandomWarp(pixels=1, degrees=15, seed=2)
    data = tf.data.Dataset.from_tensor_slices(IMAGES)
    batches = [b.numpy() for b in data.batch(2).map(lambda x: layer(x, training=True))]
    single = [b.numpy() for b in data.map(lambda x: layer(x, training=True)).batch(5)]
    assert [len(b) for b in batches] == [2, 2, 1] and single[0].shape == IMAGES.shape
    assert not np.allclose(np.concatenate(batches), single[0]), "every pass draws anew"


def test_replicas_have_streams_of_their_own_which_are_those_of_fit():
    few = splits.Splitter(datasets.load("digits"), sizes=(60, 40, 40))
    train = functools.partial(train_replicas, augmented, few, epochs=1, batch_size=30)
    ours, oracle = train(seeds=range(2)), train(seeds=[1], engine="fit")
    assert set(ours.engine) == {"replicas"} and math.isfinite(ours.loss.sum())
    mine = ours[ours.seed == 1]
    for column in ("loss", "clean_loss", "val_loss", "test_loss"):
        np.testing.assert_allclose(mine[column].astype(float), oracle[column].astype(float), rtol=1e-3)
    assert ours.loss.nunique() == 2


def test_bad_amounts_are_refused_in_words():
    with pytest.raises(ValueError, match="from 0 up or a pair"):
        RandomShift(-1)
    with pytest.raises(ValueError, match="0 to 180, got 400"):
        RandomRotation(400)
    with pytest.raises(ValueError, match="'edge', got 'wrap'"):
        RandomWarp(fill="wrap")
    with pytest.raises(ValueError, match="from 0 to 1, got 2"):
        RandomFlip(share=2)
    with pytest.raises(ValueError, match="for both, use two layers"):
        RandomFlip(axis="both")
    with pytest.raises(ValueError, match="a number or 'edge', got None"):
        RandomWarp(fill=None)


@pytest.mark.parametrize("layer", [RandomWarp(pixels=1), RandomFlip()], ids=["warp", "flip"])
def test_what_would_be_read_as_other_images_is_refused(layer):
    with pytest.raises(ValueError, match=r"got shape \(5, 64\) in Random\w+; mend flat images"):
        layer(np.zeros((5, 64), "float32"), training=True)
    with pytest.raises(ValueError, match=r"a batch without channels; mend by keras.layers.Reshape\(\(8, 6, 1\)\)"):
        layer(keras.Input((8, 6)))


@pytest.mark.tensorflow
def test_a_warp_needs_to_know_the_size():
    import tensorflow as tf

    data = tf.data.Dataset.from_generator(lambda: IMAGES, output_signature=tf.TensorSpec((None, None, 2)))
    warping, flipping = RandomWarp(pixels=1), RandomFlip(share=1.0)
    with pytest.raises(ValueError, match="a size known beforehand"):
        data.map(lambda image: warping(image, training=True))
    assert next(iter(data.map(lambda image: flipping(image, training=True)))).shape == IMAGES.shape[1:]
