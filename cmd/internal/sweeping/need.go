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

// need is the predicted memory of an experiment in bytes.
type need struct {
	peak  int           // of the hungriest stage
	steps int           // of the last one
	part  memory.Demand // the hungriest stage
}

// needOf plans the stages of an experiment, as the experiment itself does before it starts.
func (r *resolver) needOf(e settings.Experiment) (n need, err error) {
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
	for _, d := range parts {
		if n.steps, err = d.Peak(d.Batch); err != nil {
			return n, fmt.Errorf("memory of %s: %w", d.What, err)
		}
		if n.steps > n.peak {
			n.peak, n.part = n.steps, d
		}
	}
	r.needs[string(text)] = n
	return n, nil
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
			p.Predicted, p.Steps = int64(n.peak), int64(n.steps)
		}
		bytes := heap(int64(n.peak)) + fixed(e)
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
func refusal(e settings.Experiment, n need, bytes, budget int64) (string, error) {
	text := fmt.Sprintf("needs %s MB of memory, %s MB are given", terminal.MB(int(bytes)),
		terminal.MB(int(budget)))
	left := int64(float64(budget-fixed(e)) / heapFactor)
	switch {
	case left <= 0:
		return text + ": give more with --memory", nil
	case e.Command == "retrain":
		return text + ": lower --retrain-batch", nil
	case n.part.Flag == settings.StagePruning.BatchFlag():
		return text + ": lower --prune-batch or --threads", nil
	}
	batch, err := memory.LargestBatch(n.part.Peak, int(left))
	return fmt.Sprintf("%s: a search with --batch %d fits", text, batch), err
}
