package sweeping

import (
	"encoding/json"
	"fmt"

	"zos-ort/cmd/internal/memory"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/method"
	"zos-ort/search/data"
)

// needOf plans the stages of an experiment, as the experiment itself does before it starts.
func (r *resolver) needOf(e settings.Experiment) (n memory.Need, err error) {
	key := e
	if m := e.Technique().Mask; m != method.RandomMask && m != method.Algorithm1 { // no mask is drawn
		key.Seed = 0
	}
	key.Images = settings.Images{Train: e.Images.Train, Size: e.Images.Size, Classes: e.Images.Classes}
	text, err := json.Marshal(key)
	if err != nil {
		return n, err
	}
	if n, ok := r.needs[string(text)]; ok {
		return n, nil
	}
	parts, err := memory.Demands(e)
	if err != nil {
		return n, err
	}
	if n, err = memory.NeedOf(parts, memory.Available{}); err == nil {
		r.needs[string(text)] = n
	}
	return n, err
}

// measure predicts the memory of a cell, whose experiments run one after the other, and refuses one that does
// not fit into the budget.
func (r *resolver) measure(p *plannedCell, list []settings.Experiment) error {
	for _, e := range list {
		n, err := r.needOf(e)
		if err != nil {
			return err
		}
		if e.Command == "search" {
			p.Predicted, p.Steps = int64(n.Peak), int64(n.Last)
		}
		bytes := heap(int64(n.Peak)) + fixed(e)
		p.need = max(p.need, bytes)
		if bytes > r.budget && p.refused == "" {
			if p.refused, err = refusal(e, n, bytes, r.budget); err != nil {
				return err
			}
		}
	}
	return nil
}

// What a process needs beside what the planner predicts: the program with ONNX Runtime and the file that
// images come from; the graphs and sessions of a cell; and how far the C library's one heap exceeds the live
// bytes, because it keeps pieces of many sizes. Searches of DARTS with 8 cells, predicted to need 65 and
// 597 MB, had 345 and 911 MB resident at most, one of PC-DARTS with 503 MB had 807: 276 MB and 1.06 times the
// prediction.
const (
	processBytes = 160e6
	perCellBytes = 20e6
	heapFactor   = 1.1
)

// fixed is what a run needs apart from tensors: process, graphs and images.
func fixed(e settings.Experiment) int64 {
	return processBytes + perCellBytes*int64(max(e.Network.Cells, e.Retraining.Cells)) +
		int64(e.Images.Train)*data.Channels*int64(e.Images.Size*e.Images.Size)
}

// heap is what live bytes make of the heap.
func heap(live int64) int64 { return int64(heapFactor * float64(live)) }

// refusal explains why an experiment cannot run within a budget in bytes.
func refusal(e settings.Experiment, n memory.Need, bytes, budget int64) (string, error) {
	text := fmt.Sprintf("needs %s MB of memory, %s MB are given", terminal.MB(int(bytes)),
		terminal.MB(int(budget)))
	left := int64(float64(budget-fixed(e)) / heapFactor)
	switch {
	case left <= 0:
		return text + ": give more with --memory", nil
	case e.Command == "retrain":
		return text + ": lower --retrain-batch", nil
	case n.Part.Flag == settings.StagePruning.BatchFlag():
		return text + ": lower --prune-batch or --threads", nil
	}
	batch, err := memory.LargestBatch(n.Part.Peak, int(left))
	return fmt.Sprintf("%s: a search with --batch %d fits", text, batch), err
}
