// Package surrogate predicts the accuracy of DARTS architectures by a model that somebody has
// fitted to trained ones: a surrogate of NAS-Bench-301 in ONNX form, such as YAHPO Gym's.
package surrogate

import (
	"crypto/sha256"
	"fmt"
	"os"

	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/space"
)

// LastEpoch is the last epoch that NAS-Bench-301 has curves for.
const LastEpoch = 98

// MaxBatch bounds the architectures of a run of the model.
const MaxBatch = 1_000_000

// DefaultBatch is the number of architectures of a run unless a flag says otherwise.
const DefaultBatch = 512

// File is a surrogate's file and how to ask it; its JSON is part of the settings of a run.
type File struct {
	File   string `json:"file"`
	SHA256 string `json:"sha256"`
	Batch  int    `json:"batch"`
	Epoch  int    `json:"epoch"` // of the training whose accuracy is predicted

	model []byte
}

// Read reads the file. Whether it is a surrogate shows when it is opened.
func Read(path string, batch, epoch int) (*File, error) {
	switch {
	case batch < 1 || batch > MaxBatch:
		return nil, terminal.Usagef("--batch must lie between 1 and %d, got %d", MaxBatch, batch)
	case epoch < 1 || epoch > LastEpoch:
		return nil, terminal.Usagef("--epoch must lie between 1 and %d, got %d", LastEpoch, epoch)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("surrogate: %w", err)
	}
	return New(path, b, batch, epoch), nil
}

// New is a surrogate whose file has been read.
func New(path string, model []byte, batch, epoch int) *File {
	return &File{File: path, SHA256: fmt.Sprintf("%x", sha256.Sum256(model)), Batch: batch, Epoch: epoch,
		model: model}
}

// form is a kind of surrogate: what its outputs mean.
type form struct {
	name     string
	outputs  int     // columns of its output; the first is the validation accuracy
	scale    float64 // makes percent of the accuracy
	weights  int     // the column of the number of weights, or -1
	ordering string  // the order of its categories, or "" to find it out
}

// forms are those of YAHPO Gym (Pfisterer et al. 2022): the first release predicts accuracy and
// runtime; the second, model_v2, accuracy as a fraction, cross-entropy, runtime and weights.
var forms = []form{
	{name: "YAHPO Gym, first form", outputs: 2, scale: 1, weights: -1, ordering: "numeric"},
	{name: "YAHPO Gym, model_v2", outputs: 4, scale: 100, weights: 3},
}

// ordering puts the categories of space.NB301 where a model wants them: place[i] is where
// category i goes.
type ordering struct {
	name  string
	place [space.NB301Len]int
}

// orderings are the two that a list of names such as edge_normal_0 to edge_normal_13 can have:
// by number, or by letters, where edge 10 comes before edge 2.
var orderings = []ordering{numeric(), lexical()}

func numeric() (o ordering) {
	o.name = "numeric"
	for i := range o.place {
		o.place[i] = i
	}
	return o
}

// edges are those of a cell of DARTS.
const edges = 14

func lexical() (o ordering) {
	o = numeric()
	o.name = "lexical"
	var order [edges]int // the numbers of the edges in the order of their names
	n := 0
	for _, first := range []int{0, 1} {
		order[n] = first
		n++
	}
	for e := 10; e < edges; e++ {
		order[n] = e
		n++
	}
	for e := 2; e < 10; e++ {
		order[n] = e
		n++
	}
	for at, e := range order {
		o.place[e], o.place[edges+e] = at, edges+at
	}
	return o
}
