package deploy

import (
	"cmp"
	"context"
	"math"
	"slices"

	"zos-ort/cmd/internal/terminal"
	"zos-ort/search/data"
	"zos-ort/search/train"
)

// forward computes logits[evalBatch,classes] of images[evalBatch,3,size,size]. The result is valid
// until the next call.
type forward func(images []float32) ([]float32, error)

// Accuracy is what a network makes of labelled images.
type Accuracy struct {
	classes   int
	images    int
	loss      float64 // sum
	topFive   int     // images whose label is among the five classes of the highest scores
	confusion [][]int // [label][prediction]
	mistakes  []mistake
}

func newAccuracy(classes int) *Accuracy {
	a := &Accuracy{classes: classes, confusion: make([][]int, classes)}
	for i := range a.confusion {
		a.confusion[i] = make([]int, classes)
	}
	return a
}

// Evaluate runs a network on all images of a set.
func Evaluate(ctx context.Context, score forward, set *data.Set, p *terminal.Console) (*Accuracy, error) {
	a := newAccuracy(len(set.Classes))
	err := eachBatch(ctx, score, set, p, func(b *data.Batch, scores []float32) { a.add(scores, b) })
	return a, err
}

// eachBatch shows the scores of a set to see, batch by batch. The last batch is filled up.
func eachBatch(ctx context.Context, score forward, set *data.Set, p *terminal.Console,
	see func(*data.Batch, []float32)) error {
	l, err := data.NewLoader(ctx, data.LoaderConfig{Set: set, Batch: evalBatch, Tail: data.TailPad})
	if err != nil {
		return err
	}
	defer l.Close()
	defer p.Stop()
	p.Start(l.Steps(), "evaluating")
	pass := l.Epoch(0)
	for b, ok := pass.Next(); ok; b, ok = pass.Next() {
		scores, err := score(b.Images)
		if err != nil {
			return err
		}
		see(b, scores)
		p.Step("")
	}
	return pass.Err()
}

func (a *Accuracy) add(scores []float32, b *data.Batch) {
	loss, _ := train.CrossEntropy(scores, b.Labels[:b.Count], a.classes)
	a.loss += loss
	a.noteMistakes(scores, b.Labels[:b.Count], a.images)
	for i, label := range b.Labels[:b.Count] {
		best := ranking(scores[i*a.classes : (i+1)*a.classes])
		a.confusion[label][best[0]]++
		if slices.Contains(best[:min(5, a.classes)], int(label)) {
			a.topFive++
		}
		a.images++
	}
}

// ranking orders the classes from the highest score to the lowest.
func ranking(scores []float32) []int {
	order := make([]int, len(scores))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(scores[j], scores[i]) })
	return order
}

// correct and count are the images of a class that were recognised, and all of them.
func (a *Accuracy) correct(class int) int { return a.confusion[class][class] }

func (a *Accuracy) count(class int) (n int) {
	for _, k := range a.confusion[class] {
		n += k
	}
	return n
}

func (a *Accuracy) top1() float64 {
	n := 0
	for c := range a.confusion {
		n += a.correct(c)
	}
	return fraction(n, a.images)
}

func (a *Accuracy) top5() float64 { return fraction(a.topFive, a.images) }

func fraction(n, of int) float64 { return float64(n) / float64(max(of, 1)) }

// unitRange is a set whose images a loader gives in [0,1] instead of normalised.
func unitRange(s *data.Set) *data.Set {
	unit := *s
	unit.Mean, unit.Std = [data.Channels]float32{}, [data.Channels]float32{1, 1, 1}
	return &unit
}

// softmax turns rows of logits into probabilities.
func softmax(logits []float32, classes int) []float32 {
	p := make([]float32, len(logits))
	for from := 0; from < len(logits); from += classes {
		row := logits[from : from+classes]
		sum, top := 0.0, float64(slices.Max(row))
		for _, z := range row {
			sum += math.Exp(float64(z) - top)
		}
		for i, z := range row {
			p[from+i] = float32(math.Exp(float64(z)-top) / sum)
		}
	}
	return p
}
