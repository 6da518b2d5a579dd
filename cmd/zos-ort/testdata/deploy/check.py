"""Compares stock onnxruntime with zos-ort predict: check.py ZOS-ORT MODEL..."""

import json
import subprocess
import sys

import numpy
import onnxruntime
from PIL import Image

# Of numbers beyond 1 the relative difference. In 8 bits a number that lies half-way between two steps
# may go to either side.
TOLERANCE = {"fp32": 1e-4, "fp16": 1e-2, "int8": 1e-1}
IMAGES = 8


def make_images(size):
    """Writes smooth and noisy images of the model's own size, so that nothing is scaled."""
    rng = numpy.random.default_rng(1)
    paths = []
    for i in range(IMAGES):
        coarse = rng.integers(0, 256, (2 + i, 2 + i, 3), dtype=numpy.uint8)
        path = f"image{i}.png"
        Image.fromarray(coarse).resize((size, size), Image.Resampling.BICUBIC).save(path)
        paths.append(path)
    return paths


def run_stock(session, meta, paths):
    """Does what a user does who has read the metadata."""
    x = numpy.stack([numpy.asarray(Image.open(p).convert("RGB"), numpy.float32) for p in paths])
    x = x.transpose(0, 3, 1, 2) / 255
    if meta["zos.input"] != "RGB in [0,1]":
        normal = json.loads(meta["zos.normalization"])
        mean, std = (numpy.float32(normal[k]).reshape(1, 3, 1, 1) for k in ("mean", "std"))
        x = (x - mean) / std
    return session.run(None, {"image": x})[0]


def check(zos, model):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    meta = session.get_modelmeta().custom_metadata_map
    paths = make_images(session.get_inputs()[0].shape[2])
    got = run_stock(session, meta, paths)
    said = json.loads(subprocess.check_output([zos, "predict", "--model", model, "--json", *paths]))
    want = numpy.array([image["scores"] for image in said["images"]])
    worst = (abs(got - want) / numpy.maximum(1, abs(want))).max()
    labels = json.loads(meta["zos.labels"])
    same = [labels[i] for i in got.argmax(1)] == [image["classes"][0]["label"] for image in said["images"]]
    good = bool(worst <= TOLERANCE[meta["zos.precision"]]) and same
    print(f"{model}: {session.get_outputs()[0].name} differ by {worst:.1e}, "
          f"{'the same classes' if same else 'OTHER CLASSES'}: {'ok' if good else 'FAILED'}")
    return good


if __name__ == "__main__":
    print("onnxruntime", onnxruntime.__version__)
    sys.exit(0 if all([check(sys.argv[1], m) for m in sys.argv[2:]]) else 1)
