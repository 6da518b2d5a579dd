// Package spacetest draws documents of search spaces, for tests.
package spacetest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
)

type (
	object = map[string]any
	list   = []any
)

// Document draws a valid document: cells with one or two inputs and up to four nodes, some edges left out, operations of
// random parts, every kind of output and skeleton.
func Document(rng *rand.Rand) []byte {
	cellTypes := rng.IntN(2) + 1
	preprocess := cellTypes == 2 || rng.IntN(2) == 0
	inputs := 1
	output := []string{"sum", "last"}[rng.IntN(2)]
	if preprocess {
		inputs += rng.IntN(2)
		output = []string{"concat", "sum", "last"}[rng.IntN(3)]
	}
	ops := operations(rng)
	cell := object{"inputs": inputs, "output": output, "keep": any("all")}
	if rng.IntN(2) == 0 {
		cell["keep"] = 1 + rng.IntN(2)
	}
	hasNone := ops[0].(object)["name"] == "none"
	cell["none"] = hasNone && rng.IntN(2) == 0
	nodes := 1 + rng.IntN(4)
	cell["nodes"] = nodes
	if rng.IntN(2) == 0 {
		cell["edges"] = edges(rng, inputs, nodes)
	}
	skeleton := object{"stem": 1, "stages": list{1, 1 + rng.IntN(2), 2}, "reduction": "residual", "preprocess": preprocess,
		"head": []string{"plain", "normalised"}[rng.IntN(2)], "search": object{"channels": 4, "cells": 3},
		"retrain": object{"channels": 4, "cells": 3}}
	if preprocess {
		skeleton["stem"] = 1 + rng.IntN(3)
	}
	if cellTypes == 2 {
		skeleton["reduction"] = "cell"
	}
	text, _ := json.Marshal(object{"schema": "zos-ort/space", "version": 1, "name": fmt.Sprintf("r%d", rng.IntN(1e6)),
		"operations": ops, "cell": cell, "skeleton": skeleton}) // of maps, texts and numbers
	return text
}

// edges leaves some edges out, but every node keeps that from the state before it, so that all states are read.
func edges(rng *rand.Rand, inputs, nodes int) (out list) {
	for node := range nodes {
		for source := range node + inputs {
			if rng.IntN(3) > 0 || source == node+inputs-1 || node == 0 {
				out = append(out, object{"node": node, "source": source})
			}
		}
	}
	return out
}

func operations(rng *rand.Rand) (out list) {
	if rng.IntN(2) == 0 {
		out = append(out, object{"name": "none", "parts": list{object{"part": "zero"}}})
	}
	for i := range 1 + rng.IntN(4) {
		out = append(out, object{"name": fmt.Sprintf("op%d", i), "parts": parts(rng)})
	}
	return out
}

// parts starts with what can halve height and width.
func parts(rng *rand.Rand) (out list) {
	kernel := func() int { return 1 + 2*rng.IntN(3) }
	switch rng.IntN(7) {
	case 0:
		return list{object{"part": "identity"}}
	case 1:
		out = list{object{"part": "max_pool", "kernel": 3}}
	case 2:
		out = list{object{"part": "avg_pool", "kernel": 3}, object{"part": "batch_norm", "search_only": true}}
	case 3:
		out = list{object{"part": "relu"}, object{"part": "conv", "kernel": kernel(), "groups": 1 + rng.IntN(2)}}
	case 4:
		out = list{object{"part": "depthwise", "kernel": kernel(), "dilation": 1 + rng.IntN(2)}, object{"part": "pointwise"}}
	case 5:
		out = list{object{"part": "pointwise"}}
	case 6:
		return list{object{"part": "noise"}}
	}
	for range rng.IntN(3) {
		out = append(out, []any{object{"part": "relu"}, object{"part": "batch_norm"}, object{"part": "pointwise"},
			object{"part": "squeeze_excite", "reduction": 2}}[rng.IntN(4)])
	}
	return out
}
