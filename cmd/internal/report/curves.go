package report

import "zos-ort/cmd/internal/settings"

// curves are what runs are compared by, over epochs from 1 on.
type curves struct {
	epochs        []number
	loss, acc     []number // on the images that a run is judged by: validation or test
	what          string
	seconds, peak []number
}

// metricsSection draws losses, accuracies, entropies and rates of metrics.csv.
func (r *run) metricsSection(f *folder, e settings.Experiment) {
	t := f.csv("metrics.csv")
	if len(t.rows) == 0 {
		return
	}
	x := counting(1, len(t.rows))
	judged := "valid"
	if t.at("test_acc") >= 0 {
		judged = "test"
	}
	names := map[string]string{"valid": "validation", "test": "test"}
	r.curves = curves{epochs: x, loss: t.numbers(judged + "_loss"), acc: scaled(t.numbers(judged+"_acc"), 100),
		what: names[judged]}
	r.add(&r.Learning, "Learning", "",
		chart{Title: "Accuracy", Kind: lines, XLabel: "epoch", YLabel: "%", X: x, Marks: turns(e), Series: []series{
			{Label: names[judged], Values: r.curves.acc}, {Label: "training", Values: scaled(t.numbers("train_acc"), 100)},
			{Label: "alpha batches", Values: afterWarmup(scaled(t.numbers("alpha_acc"), 100), e)}}},
		chart{Title: "Loss", Kind: lines, XLabel: "epoch", YLabel: "cross-entropy", X: x, Marks: turns(e), Series: []series{
			{Label: names[judged], Values: r.curves.loss}, {Label: "training", Values: t.numbers("train_loss")},
			{Label: "alpha batches", Values: afterWarmup(t.numbers("alpha_loss"), e)}}},
		chart{Title: "Entropy", Small: true, Kind: lines, XLabel: "epoch", YLabel: "nats", X: x, Marks: turns(e),
			Note: "Of the mixing weights of an edge: it falls as the search decides.", Series: entropies(t, e)},
		chart{Title: "Gradient norm", Small: true, Kind: lines, XLabel: "epoch", YLabel: "norm", X: x, Marks: turns(e),
			Series: []series{{Label: "gradient norm", Values: t.numbers("grad_norm")}}},
		chart{Title: "Learning rate", Small: true, Kind: lines, XLabel: "epoch", YLabel: "rate", X: x,
			Series: []series{{Label: "learning rate", Values: t.numbers("lr")}}})
}

// entropies are those of the cell types of the space.
func entropies(t table, e settings.Experiment) (list []series) {
	for _, cell := range e.Space.Of().CellTypes() {
		list = append(list, series{Label: cellName(cell), Values: t.numbers("entropy_" + cell.String())})
	}
	return list
}

// turns marks where the alphas begin to learn, and where a perturbation begins to decide.
func turns(e settings.Experiment) (list []mark) {
	if e.Search.Warmup > 0 {
		list = append(list, mark{number(e.Search.Warmup) + .5, "alphas start"})
	}
	if e.Perturbs() {
		list = append(list, mark{number(e.Search.Epochs) + .5, "decisions start"})
	}
	return list
}

// afterWarmup leaves out the epochs without alpha steps, for which metrics.csv has zeros.
func afterWarmup(list []number, e settings.Experiment) []number {
	for i := range min(e.Search.Warmup, len(list)) {
		list[i] = gap
	}
	return list
}
