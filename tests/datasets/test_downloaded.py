"""Keras's data sets: a cached copy is read without a network, and checked.

Keras reads KERAS_HOME as it is imported, so each of these runs in a process of its own, whose network leads nowhere.
The official Fashion-MNIST files are used where they lie beside the project; else tiny ones of the same form stand in.
"""

import gzip
import hashlib
import json
import os
import pickle
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np

_OFFICIAL = Path(__file__).parents[3] / "shared" / "data" / "fashion-mnist"

# In the child: for stand-ins, the registry is told other checksums and numbers of rows, and Keras to trust them too.
_CHILD = """
import json, sys
from textbook import datasets
name, changes = sys.argv[1], json.loads(sys.argv[2])
if changes:
    from keras.src.utils import file_utils
    file_utils.validate_file = lambda *arguments, **settings: True
    datasets.registry.entries()[name].update(changes)
try:
    data = datasets.load(name)
except ValueError as error:
    sys.exit(f"refused: {error}")
print(json.dumps({
    "shape": data.x.shape,
    "type": str(data.x.dtype),
    "range": [float(data.x.min()), float(data.x.max())],
    "first": data.x[0].tolist(),
    "last": data.x[-1].tolist(),
    "labels": data.y[:20].tolist(),
    "counts": [int((data.y == label).sum()) for label in range(10)],
}))
"""


def load(home, name, changes=None):
    nowhere = {variable: "http://127.0.0.1:9" for variable in ("http_proxy", "https_proxy", "HTTPS_PROXY")}
    # Keras reads data sets alike on every backend; on NumPy's it starts twice as fast
    environment = {**os.environ, **nowhere, "no_proxy": "", "KERAS_HOME": str(home), "KERAS_BACKEND": "numpy"}
    child = subprocess.run(
        [sys.executable, "-c", _CHILD, name, json.dumps(changes or {})],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return child.returncode, json.loads(child.stdout) if child.returncode == 0 else child.stderr


def images_and_labels(rows, shape):
    rng = np.random.default_rng(rows)
    return rng.integers(0, 256, (rows, *shape), dtype=np.uint8), (np.arange(rows) % 10).astype(np.uint8)


def checksums(folder):
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def put_fashion_mnist(home):
    """Fill Keras's cache; returns the changes that stand-ins need in the registry."""
    folder = home / "datasets" / "fashion-mnist"
    folder.mkdir(parents=True)
    if _OFFICIAL.exists():
        for file in _OFFICIAL.glob("*.gz"):
            shutil.copy(file, folder)
        return {}
    for name, rows in (("train", 60), ("t10k", 10)):
        x, y = images_and_labels(rows, (28, 28))
        for kind, header, values in (("images-idx3", 16, x), ("labels-idx1", 8, y)):
            content = bytes(header) + values.tobytes()
            (folder / f"{name}-{kind}-ubyte.gz").write_bytes(gzip.compress(content, mtime=0))
    return {"rows": 70, "files": checksums(home / "datasets")}


def test_fashion_mnist_from_the_cache(tmp_path):
    changes = put_fashion_mnist(tmp_path)
    status, data = load(tmp_path, "fashion_mnist", changes)
    assert status == 0, data
    rows = changes.get("rows", 70_000)
    assert data["shape"] == [rows, 28, 28] and data["type"] == "float32" and data["range"] == [0, 1]
    assert data["counts"] == [rows // 10] * 10
    folder = tmp_path / "datasets" / "fashion-mnist"
    pixels = np.frombuffer(gzip.decompress((folder / "train-images-idx3-ubyte.gz").read_bytes()), np.uint8, offset=16)
    np.testing.assert_allclose(data["first"], pixels[:784].reshape(28, 28) / 255, rtol=1e-6)
    labels = np.frombuffer(gzip.decompress((folder / "train-labels-idx1-ubyte.gz").read_bytes()), np.uint8, offset=8)
    assert data["labels"] == labels[:20].tolist()


def test_a_damaged_copy_is_noticed(tmp_path):
    changes = put_fashion_mnist(tmp_path)
    file = tmp_path / "datasets" / "fashion-mnist" / "t10k-labels-idx1-ubyte.gz"
    content = bytearray(file.read_bytes())
    content[-20] ^= 1
    file.write_bytes(content)
    status, message = load(tmp_path, "fashion_mnist", changes)
    assert status == 1 and f"refused: expected {file} with sha256" in message and "delete the file" in message


def test_no_copy_and_no_network(tmp_path):
    status, message = load(tmp_path, "fashion_mnist")
    assert status == 1
    assert f"refused: expected 'fashion_mnist' in {tmp_path / 'datasets'} or a network to download it from" in message
    assert "copy these files to that folder" in message


def test_mnist_from_the_cache(tmp_path):
    (tmp_path / "datasets").mkdir()
    (x_train, y_train), (x_test, y_test) = images_and_labels(60, (28, 28)), images_and_labels(10, (28, 28))
    np.savez(tmp_path / "datasets" / "mnist.npz", x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    status, data = load(tmp_path, "mnist", {"rows": 70, "files": checksums(tmp_path / "datasets")})
    assert status == 0, data
    assert data["shape"] == [70, 28, 28] and data["counts"] == [7] * 10
    np.testing.assert_allclose(data["last"], x_test[-1] / 255, rtol=1e-6)


def test_cifar10_from_the_cache(tmp_path):
    """Keras spreads a batch of one picture over the ten thousand places that it keeps for it."""
    folder = tmp_path / "made" / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    for i, name in enumerate([f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]):
        pixels = np.full((1, 3072), 40 * i, dtype=np.uint8)
        pixels[0, :1024] = 255  # red comes first
        (folder / name).write_bytes(pickle.dumps({b"data": pixels, b"labels": [i]}, protocol=4))
    (tmp_path / "datasets").mkdir()
    with tarfile.open(tmp_path / "datasets" / "cifar-10-batches-py-target_archive", "w:gz") as archive:
        archive.add(folder, "cifar-10-batches-py")
    status, data = load(tmp_path, "cifar10", {"rows": 50_001, "files": checksums(tmp_path / "datasets")})
    assert status == 0, data
    assert data["shape"] == [50_001, 32, 32, 3] and data["counts"] == [10_000] * 5 + [1] + [0] * 4
    np.testing.assert_allclose(data["last"][31][31], [1, 200 / 255, 200 / 255], rtol=1e-6)


def test_a_copy_that_is_not_the_official_one_is_refused(tmp_path):
    (tmp_path / "datasets").mkdir()
    path = tmp_path / "datasets" / "mnist.npz"
    path.write_bytes(b"not the digits")
    status, message = load(tmp_path, "mnist")
    assert status == 1 and f"refused: expected {path} with sha256 731c5ac6" in message
