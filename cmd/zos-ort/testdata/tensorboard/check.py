"""Compares the events of a run, as TensorBoard reads them, with metrics.csv, alphas.csv and config.json."""
import csv
import json
import math
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata

run = sys.argv[1]
events = EventAccumulator(run, size_guidance=dict.fromkeys(["tensors", "scalars", "images", "histograms"], 0))
events.Reload()
tags = events.Tags()
rows = list(csv.DictReader(open(f"{run}/metrics.csv")))

for column, tag in [("train_loss", "loss/train"), ("valid_acc", "accuracy/valid"), ("entropy_normal", "entropy/normal"),
                    ("count_skip_connect", "operations/skip_connect"), ("lr", "lr")]:
    got = [(s.step, s.value) for s in events.Scalars(tag)]
    want = [(int(r["epoch"]), float(r[column])) for r in rows]
    assert len(got) == len(want) and all(
        a == c and math.isclose(b, d, rel_tol=1e-6) for (a, b), (c, d) in zip(got, want)), (tag, got, want)
times = [s.wall_time for s in events.Scalars("lr")]
assert times == sorted(times) and times[0] > 1.7e9, times

assert tags["histograms"] == ["alphas/normal", "alphas/reduce"], tags
columns = next(csv.reader(open(f"{run}/alphas.csv")))
for cell in "normal", "reduce":
    operations = sum(c.startswith(cell + "/") and c.count("/") == 2 for c in columns)
    histograms = events.Histograms("alphas/" + cell)
    assert len(histograms) == len(rows)
    last = histograms[-1].histogram_value
    assert last.num == operations and math.isclose(last.sum, 14, rel_tol=1e-5), last  # 14 edges of weights that add up to 1

assert tags["images"] == ["cells/normal", "cells/reduce"], tags
for tag in tags["images"]:
    image = events.Images(tag)[0]
    assert image.encoded_image_string.startswith(b"\x89PNG") and image.width > image.height > 50, image

content = events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
settings = metadata.parse_session_start_info_plugin_data(content).hparams
config = json.load(open(f"{run}/config.json"))
assert settings["seed"].number_value == config["seed"] and settings["search.epochs"].number_value == 4
assert settings["method"].string_value == config["method"] and settings["ranking.keep_none"].bool_value is False
print(f"tensorboard: {len(tags['scalars'])} scalars over {len(rows)} epochs, {len(settings)} settings, histograms and images agree")
