"""Starts MLflow's server, pushes a run to it, and compares what MLflow's client reads back with the files of the run."""
import csv
import hashlib
import json
import math
import os
import pathlib
import socket
import subprocess
import sys
import time
import urllib.request

zos, run = sys.argv[1:]
with socket.socket() as s:
    s.bind(("127.0.0.1", 0))
    port = s.getsockname()[1]
url = f"http://127.0.0.1:{port}"


def push(*flags, expect=0):
    p = subprocess.run([zos, "track", "--mlflow", url, *flags, run], capture_output=True, text=True)
    assert p.returncode == expect, (p.returncode, p.stdout, p.stderr)
    return p


refused = push(expect=1)
assert "no answer from " + url in refused.stderr, refused.stderr

log = open("server.log", "w")
mlflow = str(pathlib.Path(sys.executable).parent / "mlflow")
server = subprocess.Popen([mlflow, "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1", "--backend-store-uri",
                           "sqlite:///mlflow.db", "--artifacts-destination", "artifacts"], stdout=log, stderr=log, start_new_session=True)
try:
    for _ in range(240):
        try:
            urllib.request.urlopen(url + "/health")
            break
        except OSError:
            assert server.poll() is None, open("server.log").read()
            time.sleep(0.5)

    # The upload is killed as soon as the server has its first file.
    p = subprocess.Popen([zos, "track", "--mlflow", url, run], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while p.poll() is None and not any(pathlib.Path("artifacts").rglob("*.csv")):
        pass
    p.kill()
    interrupted = p.wait() != 0
    sent = json.loads(push("--json").stdout)["runs"][0]
    again = json.loads(push("--json").stdout)["runs"][0]
    assert not any(again[k] for k in again if k.endswith("_sent")), again

    import mlflow
    from mlflow.tracking import MlflowClient

    client = MlflowClient(url)
    experiment = client.get_experiment_by_name("zos-ort")
    runs = client.search_runs([experiment.experiment_id])
    assert len(runs) == 1 and runs[0].info.run_id == sent["run_id"] and runs[0].info.status == "FINISHED", runs
    found = runs[0]

    rows = list(csv.DictReader(open(f"{run}/metrics.csv")))
    compared = 0
    for column, tag in [("train_loss", "loss/train"), ("valid_acc", "accuracy/valid"), ("entropy_normal", "entropy/normal"),
                        ("count_skip_connect", "operations/skip_connect"), ("lr", "lr")]:
        got = sorted((m.step, m.value) for m in client.get_metric_history(found.info.run_id, tag))
        want = [(int(r["epoch"]), float(r[column])) for r in rows]
        assert got == want, (tag, got, want)
    numeric = [c for c in rows[0] if c not in ("epoch", "genotype")]
    for tag in found.data.metrics:
        steps = [m.step for m in client.get_metric_history(found.info.run_id, tag)]
        assert len(steps) == len(set(steps)), (tag, steps)
        compared += len(steps)
    assert len(found.data.metrics) > len(numeric), (found.data.metrics, numeric)
    result = json.load(open(f"{run}/result.json"))
    assert found.data.metrics["result/network.parameters"] == result["network"]["parameters"]

    config = json.load(open(f"{run}/config.json"))
    assert found.data.params["seed"] == str(config["seed"]) and found.data.params["search.epochs"] == "4", found.data.params
    assert found.data.tags["zos.genotype"] == result["genotype_text"] and found.data.tags["mlflow.note.content"]

    folder = mlflow.artifacts.download_artifacts(run_id=found.info.run_id, tracking_uri=url, dst_path="back")
    names = {str(p.relative_to(folder)) for p in pathlib.Path(folder).rglob("*") if p.is_file()}
    here = {str(p.relative_to(run)) for p in pathlib.Path(run).rglob("*") if p.is_file()} - {"mlflow.json"}
    assert names == {n for n in here if not n.startswith(("checkpoints/", "."))}, names ^ here
    for name in names:
        a, b = (hashlib.sha256(open(os.path.join(d, name), "rb").read()).digest() for d in (folder, run))
        assert a == b, name
    print(f"mlflow: {compared} values of {len(found.data.metrics)} metrics, {len(found.data.params)} parameters and {len(names)} files agree"
          f" after an upload that was {'killed half-way' if interrupted else 'not killed in time'}")
finally:
    os.killpg(server.pid, 15)
    server.wait()
