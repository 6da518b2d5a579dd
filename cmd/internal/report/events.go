package report

import (
	"bytes"
	"image/png"
	"math"
	"os"
	"strconv"
	"strings"

	"zos-ort/cmd/internal/rundir"
	"zos-ort/models/celldraw"
	"zos-ort/models/space"
)

// eventsName is the file that TensorBoard looks for.
const eventsName = "events.out.tfevents.0.zos-ort"

// Fields of TensorBoard's messages.
const (
	eventTime, eventStep, eventVersion, eventSummary = 1, 2, 3, 5
	summaryValue                                     = 1
	valueTag, valueScalar, valueImage, valueHisto    = 1, 2, 4, 5
	valueTensor, valueMetadata                       = 8, 9
)

// writeEvents brings the events of a run up to date. They follow from the run's files, so that a resumed run has
// the same. TensorBoard keeps an open file and reads on at its end, so what is new is appended.
func writeEvents(f *folder) error {
	all := eventsOf(f)
	if all == nil {
		return nil
	}
	before := f.read(eventsName)
	if before == nil || !bytes.HasPrefix(all, before) {
		return rundir.Dir(f.dir).Write(eventsName, all)
	}
	file, err := os.OpenFile(f.path(eventsName), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.Write(all[len(before):])
	if closing := file.Close(); err == nil {
		err = closing
	}
	return err
}

// eventsOf are the records of a run with metrics; nil without.
func eventsOf(f *folder) []byte {
	begin := 0.
	if s := firstStart(f); s != nil {
		begin = float64(s.Time.Unix())
	}
	epochs := epochsOf(f, begin)
	if len(epochs) == 0 {
		return nil
	}
	file := record(nil, message(nil).double(eventTime, begin).text(eventVersion, "brain.Event:2"))
	file = record(file, event(begin, 0, hyperparameters(f, begin)))
	weights := f.csv("alphas.csv")
	for i, e := range epochs {
		file = record(file, event(e.clock, i, append(scalars(e.points), histograms(weights, i)...)))
	}
	if f.read("result.json") == nil {
		return file
	}
	if pictures := cellPictures(f); pictures != nil { // the last records, as they come last
		file = record(file, event(epochs[len(epochs)-1].clock, len(epochs)-1, pictures))
	}
	return file
}

// cellPictures are the cells of a finished run.
func cellPictures(f *folder) (summary message) {
	g := readGenotype(f)
	if g == nil {
		return nil
	}
	for _, t := range g.Space().CellTypes() {
		content, err := celldraw.PNG(cellName(t), *g, t)
		if err != nil {
			return nil // the page has them all the same
		}
		size, err := png.DecodeConfig(bytes.NewReader(content))
		if err != nil {
			return nil
		}
		const rgba = 4
		summary = summary.bytes(summaryValue, message(nil).text(valueTag, "cells/"+t.String()).bytes(valueImage,
			message(nil).integer(1, int64(size.Height)).integer(2, int64(size.Width)).integer(3, rgba).bytes(4, content)))
	}
	return summary
}

func event(clock float64, step int, summary message) []byte {
	return message(nil).double(eventTime, clock).integer(eventStep, int64(step)).bytes(eventSummary, summary)
}

// scalars are the points of an epoch.
func scalars(points []Point) (summary message) {
	for _, p := range points {
		summary = summary.bytes(summaryValue, message(nil).text(valueTag, p.Tag).float(valueScalar, p.Value))
	}
	return summary
}

// tagOf groups columns as TensorBoard shows them: train_loss is loss/train.
func tagOf(column string) string {
	for suffix, group := range map[string]string{"_loss": "loss/", "_acc": "accuracy/"} {
		if name, ok := strings.CutSuffix(column, suffix); ok {
			return group + name
		}
	}
	for prefix, group := range map[string]string{"entropy_": "entropy/", "count_": "operations/"} {
		if name, ok := strings.CutPrefix(column, prefix); ok {
			return group + name
		}
	}
	switch column {
	case "seconds", "weight_steps", "alpha_steps", "evaluation", "waiting_for_data", "left_seconds":
		return "seconds/" + column
	}
	return column
}

// histograms show how the mixing weights of each cell are spread.
func histograms(t table, row int) (summary message) {
	if row >= len(t.rows) {
		return nil
	}
	one := table{t.header, t.rows[row : row+1]}
	for cell := space.Normal; cell <= space.Reduce; cell++ {
		var values []float64
		for e := range space.MaxEdges {
			for _, s := range mixingWeights(one, edgePrefix(cell, e)) {
				if s.Values[0].known() {
					values = append(values, float64(s.Values[0]))
				}
			}
		}
		if len(values) > 0 {
			summary = summary.bytes(summaryValue, message(nil).text(valueTag, "alphas/"+cell.String()).
				bytes(valueHisto, histogram(values)))
		}
	}
	return summary
}

// histogramBins divide the weights from 0 to 1.
const histogramBins = 40

// histogram is HistogramProto: smallest, largest, number, sum, sum of squares, upper limits, counts.
func histogram(values []float64) message {
	low, high, sum, squares := math.Inf(1), math.Inf(-1), 0., 0.
	limits, counts := make([]float64, histogramBins), make([]float64, histogramBins)
	for i := range limits {
		limits[i] = float64(i+1) / histogramBins
	}
	for _, x := range values {
		low, high, sum, squares = math.Min(low, x), math.Max(high, x), sum+x, squares+x*x
		counts[min(histogramBins-1, int(x*histogramBins))]++
	}
	return message(nil).double(1, low).double(2, high).double(3, float64(len(values))).double(4, sum).double(5, squares).
		doubles(6, limits).doubles(7, counts)
}

// hyperparameters is the summary by which TensorBoard's plug-in of that name knows the settings.
func hyperparameters(f *folder, begin float64) message {
	var start message
	for _, s := range flatten(f.read("config.json")) {
		start = start.bytes(1, message(nil).text(1, s.Label).bytes(2, protoValue(s.Value)))
	}
	start = start.double(5, begin)
	plugin := message(nil).text(1, "hparams").bytes(2, message(nil).integer(1, 0).bytes(3, start))
	nothing := message(nil).integer(1, 1).bytes(2, message(nil).bytes(2, message(nil).integer(1, 1))).float(5, 0)
	return message(nil).bytes(summaryValue, message(nil).text(valueTag, "_hparams_/session_start_info").
		bytes(valueMetadata, message(nil).bytes(1, plugin)).bytes(valueTensor, nothing))
}

// protoValue is google.protobuf.Value of a setting.
func protoValue(text string) message {
	if x, err := strconv.ParseFloat(text, 64); err == nil && !math.IsNaN(x) && !math.IsInf(x, 0) {
		return message(nil).double(2, x)
	}
	if x, err := strconv.ParseBool(text); err == nil {
		flag := int64(0)
		if x {
			flag = 1
		}
		return message(nil).integer(4, flag)
	}
	return message(nil).text(3, text)
}
