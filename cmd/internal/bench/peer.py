"""PyTorch's side of `zos-ort bench`: the same supernets, one step at a time, on request.

Reads one JSON object a line and answers each with one:

    {"do": "hello", "device": DEVICE, "precision": P}  -> {"torch": VERSION}
    {"do": "build", "mode": MODE, "net": NET, ...}     -> {"parameters": N}
    {"do": "step", "mode": MODE, "program": PROGRAM, "limit": S}
                                                       -> {"seconds": S, "peak": B, "reserved": B}
    {"do": "clear"}                                    -> {}, memory that is free given back to the GPU
    {"do": "reset"}                                    -> {}, the peaks begin anew
    {"do": "drop"}                                     -> {}, the networks gone

DEVICE is cpu, cuda or cuda:N; P is fp32, tf32 or bf16; MODE is eager, channels_last or compiled; PROGRAM
is weight, alpha or rank; a step that takes more than limit seconds is given up, 0 is no limit. The
peaks are bytes on the GPU since the last reset: of the tensors, and of what the allocator has taken for
them. Anything that goes wrong is answered with {"error": TEXT, "memory": BOOLEAN}, which says whether
it was a lack of memory.

A step does what zos-ort's does and no more: gradients of the weights or of the mixing weights,
never of both; no softmax, since zos-ort takes the mixing weights as they are; nothing for the
operation none. In PyTorch's favour the batch lies on the GPU already, the loss is not fetched from
there, and gradients are done away with between the steps.
"""
import contextlib
import functools
import gc
import json
import operator
import signal
import sys
import time

import torch
from torch import nn
from torch.nn import functional

NODES = 4
SOURCES = [source for node in range(NODES) for source in range(node + 2)]  # of the 14 edges


def norm(channels, affine=False):
    return nn.BatchNorm2d(channels, affine=affine)


class Halve(nn.Module):
    """Two 1x1 convolutions of stride 2, one of them shifted by a pixel."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.even = nn.Conv2d(inputs, outputs // 2, 1, stride=2, bias=False)
        self.odd = nn.Conv2d(inputs, outputs - outputs // 2, 1, stride=2, bias=False)
        self.norm = norm(outputs)

    def forward(self, x):
        x = functional.relu(x)
        return self.norm(torch.cat((self.even(x), self.odd(x[:, :, 1:, 1:])), dim=1))


def project(inputs, outputs):
    return nn.Sequential(nn.ReLU(), nn.Conv2d(inputs, outputs, 1, bias=False), norm(outputs))


def separable(channels, kernel, stride, dilation):
    pad = dilation * (kernel - 1) // 2
    return [nn.ReLU(),
            nn.Conv2d(channels, channels, kernel, stride, pad, dilation, channels, bias=False),
            nn.Conv2d(channels, channels, 1, bias=False), norm(channels)]


def operation(name, channels, stride):
    kind, size = name.rsplit("_", 1)
    kernel = int(size[0]) if size[0].isdigit() else 0
    if kind == "max_pool":
        return nn.Sequential(nn.MaxPool2d(kernel, stride, 1), norm(channels))
    if kind == "avg_pool":
        return nn.Sequential(nn.AvgPool2d(kernel, stride, 1, count_include_pad=False), norm(channels))
    if kind == "skip":
        return nn.Identity() if stride == 1 else Halve(channels, channels)
    if kind == "sep_conv":
        return nn.Sequential(*separable(channels, kernel, stride, 1), *separable(channels, kernel, 1, 1))
    if kind == "dil_conv":
        return nn.Sequential(*separable(channels, kernel, stride, 2))
    raise ValueError("unknown operation " + name)


def total(terms):
    """The sum, without the addition to 0 that the built-in one begins with."""
    return functools.reduce(operator.add, terms)


class Edge(nn.Module):
    """The weighted sum of operations, on the first of `partial` parts of the channels."""

    def __init__(self, channels, stride, names, partial):
        super().__init__()
        self.partial, self.stride, self.width = partial, stride, channels // partial
        self.operations = nn.ModuleList(operation(n, self.width, stride) for n in names)

    def mixed(self, x, weights):
        if not self.operations:
            return 0 * x[:, :, ::self.stride, ::self.stride]
        return total([w * run(x) for w, run in zip(weights, self.operations)])

    def forward(self, x, weights):
        if self.partial == 1:
            return self.mixed(x, weights)
        rest = x[:, self.width:]
        if self.stride == 2:
            rest = functional.max_pool2d(rest, 2, 2)
        y = torch.cat((self.mixed(x[:, :self.width], weights), rest), dim=1)
        n, c, h, w = y.shape
        return y.view(n, self.partial, c // self.partial, h, w).transpose(1, 2).reshape(n, c, h, w)


class Cell(nn.Module):
    def __init__(self, before, last, channels, reduces, reduced, masks, partial):
        super().__init__()
        self.first = Halve(before, channels) if reduced else project(before, channels)
        self.second = project(last, channels)
        self.edges = nn.ModuleList(
            Edge(channels, 2 if reduces and source < 2 else 1, mask, partial)
            for source, mask in zip(SOURCES, masks))

    def forward(self, s0, s1, mixes, gates):
        states = [self.first(s0), self.second(s1)]
        edge = 0
        for node in range(NODES):
            terms = []
            for source in range(node + 2):
                y = self.edges[edge](states[source], mixes[edge])
                terms.append(y if gates is None else gates[edge] * y)
                edge += 1
            states.append(total(terms))
        return torch.cat(states[2:], dim=1)


class Supernet(nn.Module):
    """Cells that share the mixing weights of their kind, which are given from outside."""

    def __init__(self, channels, cells, classes, partial, mask):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 3 * channels, 3, padding=1, bias=False),
                                  norm(3 * channels, affine=True))
        before = last = 3 * channels
        self.cells, self.kinds, reduced = nn.ModuleList(), [], False
        for i in range(cells):
            reduces = i in (cells // 3, 2 * cells // 3)
            kind = "reduce" if reduces else "normal"
            channels *= 2 if reduces else 1
            self.cells.append(Cell(before, last, channels, reduces, reduced, mask[kind], partial))
            self.kinds.append(kind)
            before, last, reduced = last, NODES * channels, reduces
        self.head = nn.Linear(last, classes)

    def forward(self, x, mixes, gates):
        s0 = s1 = self.stem(x)
        for cell, kind in zip(self.cells, self.kinds):
            s0, s1 = s1, cell(s0, s1, mixes[kind], gates.get(kind))
        return self.head(s1.mean(dim=(2, 3)))


class Session:
    """A supernet with its optimiser and a batch, in one mode."""

    def __init__(self, request, device, half):
        net, batch, mode = request["net"], request["batch"], request["mode"]
        net["mask"] = {kind: [[n for n in names if n != "none"] for names in rows]
                       for kind, rows in net["mask"].items()}
        self.net = Supernet(**net).to(device)
        self.cast = torch.autocast(self.net.head.weight.device.type, torch.bfloat16, enabled=half)
        self.images = torch.randn(batch, 3, request["image"], request["image"], device=device)
        self.labels = torch.arange(batch, device=device) % net["classes"]
        if mode == "channels_last":
            self.net = self.net.to(memory_format=torch.channels_last)
            self.images = self.images.contiguous(memory_format=torch.channels_last)
        self.mixes = {kind: [torch.full((len(names),), .125, device=device) for names in rows]
                      for kind, rows in net["mask"].items()}
        self.gates = {}
        if net["partial"] > 1:
            self.gates = {kind: torch.full((len(SOURCES),), .125, device=device) for kind in net["mask"]}
        self.weights = list(self.net.parameters())
        self.architecture = [row for rows in self.mixes.values() for row in rows if len(row)]
        self.architecture += self.gates.values()
        self.run = torch.compile(self.net, fullgraph=True) if mode == "compiled" else self.net
        self.sgd = torch.optim.SGD(self.weights, lr=.01, momentum=.9, weight_decay=3e-4)

    def prepare(self, program):
        """Marks what the program differentiates: for what is not, nothing is kept."""
        self.sgd.zero_grad(set_to_none=True)
        for w in self.weights:
            w.requires_grad_(program == "weight")
        for w in self.architecture:
            w.requires_grad_(program == "alpha")
        return getattr(self, program)

    def logits(self):
        with self.cast:
            return self.run(self.images, self.mixes, self.gates)

    def loss(self):
        return functional.cross_entropy(self.logits().float(), self.labels)

    def weight(self):
        self.loss().backward()
        nn.utils.clip_grad_norm_(self.weights, 5.)
        self.sgd.step()

    def alpha(self):
        torch.autograd.grad(self.loss(), self.architecture, allow_unused=True)

    @torch.no_grad()
    def rank(self):
        self.logits()


@contextlib.contextmanager
def limited(seconds):
    """Ends what takes longer by a TimeoutError, again every second, as a compiler may catch it; 0 is no limit."""
    def end(*_):
        raise TimeoutError(f"given up after {seconds:g} s")
    signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


class Peer:
    """The networks that are being timed, by mode, on one device."""

    def __init__(self):
        self.sessions, self.device, self.half = {}, torch.device("cpu"), False

    def hello(self, request):
        self.device = torch.device(request["device"])
        if self.gpu:
            if torch.version.cuda is None:
                raise RuntimeError(f"PyTorch {torch.__version__} is built without CUDA")
            if not torch.cuda.is_available():
                raise RuntimeError(f"PyTorch {torch.__version__} finds no GPU")
            torch.cuda.set_device(self.device)
            tf32 = request["precision"] == "tf32"
            torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32
            torch.backends.cudnn.benchmark = True
            self.half = request["precision"] == "bf16"
        return {"torch": torch.__version__}

    @property
    def gpu(self):
        return self.device.type == "cuda"

    def build(self, request):
        torch.set_num_threads(request["threads"])
        torch.manual_seed(1)
        self.sessions[request["mode"]] = session = Session(request, self.device, self.half)
        return {"parameters": sum(w.numel() for w in session.weights)}

    def step(self, request):
        run = self.sessions[request["mode"]].prepare(request["program"])
        self.wait()
        start = time.perf_counter()
        with limited(request.get("limit", 0)):
            run()
        self.wait()
        reply = {"seconds": time.perf_counter() - start}
        if self.gpu:
            reply["peak"] = torch.cuda.max_memory_allocated()
            reply["reserved"] = torch.cuda.max_memory_reserved()
        return reply

    def wait(self):
        if self.gpu:
            torch.cuda.synchronize()

    def clear(self, _):
        gc.collect()
        if self.gpu:
            torch.cuda.empty_cache()
        return {}

    def reset(self, _):
        if self.gpu:
            torch.cuda.reset_peak_memory_stats()
        return {}

    def drop(self, request):
        self.sessions.clear()
        torch.compiler.reset()  # it keeps no more than a few networks apart
        return self.clear(request)


def failure(e):
    """The answer that tells the other side what went wrong, in one line."""
    lines = str(e).strip().splitlines() or [""]
    lacks = isinstance(e, (MemoryError, torch.cuda.OutOfMemoryError)) or "out of memory" in str(e)
    return {"error": f"{type(e).__name__}: {lines[0]}", "memory": lacks}


def main():
    peer = Peer()
    for line in sys.stdin:
        try:
            request = json.loads(line)
            reply = getattr(peer, request["do"])(request)
        except Exception as e:  # whatever it is, the other side has to hear of it
            reply = failure(e)
        print(json.dumps(reply), flush=True)


main()
