"""PyTorch's side of `zos-ort bench`: the same supernets, one step at a time, on request.

Reads one JSON object a line and answers each with one:

    {"do": "hello"}                                   -> {"torch": VERSION}
    {"do": "build", "mode": MODE, "net": NET, ...}    -> {"parameters": N}
    {"do": "step", "mode": MODE, "program": PROGRAM}  -> {"seconds": S}

MODE is eager, channels_last or compiled; PROGRAM is weight, alpha or rank. Anything that goes
wrong is answered with {"error": TEXT}. "build" with the first mode of a net drops what was there
before it. The operation none is left out, as zos-ort leaves it out: it only costs PyTorch time.
"""
import json
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


class Edge(nn.Module):
    """The weighted sum of operations, on the first of `partial` parts of the channels."""

    def __init__(self, channels, stride, names, partial):
        super().__init__()
        self.partial, self.stride, self.width = partial, stride, channels // partial
        self.names = names
        self.operations = nn.ModuleList(operation(n, self.width, stride) for n in names if n != "none")

    def mixed(self, x, weights):
        chosen = [w for w, n in zip(weights, self.names) if n != "none"]
        if not chosen:
            return 0 * x[:, :, ::self.stride, ::self.stride]
        return sum(w * run(x) for w, run in zip(chosen, self.operations))

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
            total = 0
            for source in range(node + 2):
                y = self.edges[edge](states[source], mixes[edge])
                total = total + (y if gates is None else gates[edge] * y)
                edge += 1
            states.append(total)
        return torch.cat(states[2:], dim=1)


class Supernet(nn.Module):
    """Cells that share the architecture parameters of their kind, which are given from outside."""

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

    def forward(self, x, alphas, betas):
        mixes = {kind: [row.softmax(0) for row in rows] for kind, rows in alphas.items()}
        gates = {kind: self.gate(row) for kind, row in betas.items()}
        s0 = s1 = self.stem(x)
        for cell, kind in zip(self.cells, self.kinds):
            s0, s1 = s1, cell(s0, s1, mixes[kind], gates.get(kind))
        return self.head(s1.mean(dim=(2, 3)))

    @staticmethod
    def gate(row):
        return torch.cat([part.softmax(0) for part in row.split([2, 3, 4, 5])])


class Session:
    """A supernet with its optimiser and a batch, in one mode."""

    def __init__(self, request):
        net, batch, mode = request["net"], request["batch"], request["mode"]
        self.net = Supernet(**net)
        self.images = torch.randn(batch, 3, request["image"], request["image"])
        self.labels = torch.arange(batch) % net["classes"]
        if mode == "channels_last":
            self.net = self.net.to(memory_format=torch.channels_last)
            self.images = self.images.contiguous(memory_format=torch.channels_last)
        self.alphas = {kind: [torch.zeros(len(names), requires_grad=True) for names in rows]
                       for kind, rows in net["mask"].items()}
        self.betas = {}
        if net["partial"] > 1:
            self.betas = {kind: torch.zeros(len(SOURCES), requires_grad=True) for kind in net["mask"]}
        self.weights = list(self.net.parameters())
        self.run = torch.compile(self.net) if mode == "compiled" else self.net
        self.sgd = torch.optim.SGD(self.weights, lr=.01, momentum=.9, weight_decay=3e-4)

    def loss(self):
        return functional.cross_entropy(self.run(self.images, self.alphas, self.betas), self.labels)

    def weight(self):
        self.sgd.zero_grad()
        self.loss().backward(inputs=self.weights)
        nn.utils.clip_grad_norm_(self.weights, 5.)
        self.sgd.step()

    def alpha(self):
        wanted = [row for rows in self.alphas.values() for row in rows] + list(self.betas.values())
        torch.autograd.grad(self.loss(), wanted, allow_unused=True)

    @torch.no_grad()
    def rank(self):
        self.run(self.images, self.alphas, self.betas)


def answer(request, sessions):
    if request["do"] == "hello":
        return {"torch": torch.__version__}
    if request["do"] == "build":
        torch.set_num_threads(request["threads"])
        if request["first"]:
            sessions.clear()
        torch.manual_seed(1)
        sessions[request["mode"]] = session = Session(request)
        return {"parameters": sum(w.numel() for w in session.weights)}
    step = getattr(sessions[request["mode"]], request["program"])
    start = time.perf_counter()
    step()
    return {"seconds": time.perf_counter() - start}


def main():
    sessions = {}
    for line in sys.stdin:
        try:
            reply = answer(json.loads(line), sessions)
        except Exception as e:  # whatever it is, the other side has to hear of it
            reply = {"error": f"{type(e).__name__}: {e}"}
        print(json.dumps(reply), flush=True)


main()
