package train

import (
	"math"

	"zos-ort/models/ranks"
	"zos-ort/ort/program"
	"zos-ort/search/data"
)

// Accuracy runs an evaluation program over a pass: mean cross entropy and the fraction of images
// whose top class is the label. Inputs other than the images must have been set. Of several ranks each runs over its
// part of every batch, and all get the same figures; together ends the evaluation on all of them.
func Accuracy(eval *program.Runner, p *data.Pass, together *ranks.Together) (loss, acc float64, err error) {
	var sums [3]float64 // of losses, correct images, images
	for {
		b, ok := p.Next()
		if !ok {
			break
		}
		if b.Count > 0 { // the last batch may be that of the ranks before
			if err := eval.Feed(b.Images, nil); err != nil {
				return 0, 0, err
			}
			if err := eval.Run(); err != nil {
				return 0, 0, err
			}
			l, c := CrossEntropy(eval.Logits, b.Labels[:b.Count], eval.Classes)
			sums[0], sums[1], sums[2] = sums[0]+l, sums[1]+float64(c), sums[2]+float64(b.Count)
		}
		if err := together.Agree(); err != nil {
			return 0, 0, err
		}
	}
	if err := p.Err(); err != nil {
		return 0, 0, err
	}
	if err := together.Sum64(sums[:]); err != nil {
		return 0, 0, err
	}
	return sums[0] / sums[2], sums[1] / sums[2], nil
}

// CrossEntropy sums -log softmax(row)[label] over the labels and counts the rows of
// logits[n][classes] whose largest element is the label.
func CrossEntropy(logits []float32, labels []int64, classes int) (sum float64, correct int) {
	for i, y := range labels {
		row := logits[i*classes : (i+1)*classes]
		top := 0
		for j, z := range row {
			if z > row[top] {
				top = j
			}
		}
		total := 0.0
		for _, z := range row {
			total += math.Exp(float64(z) - float64(row[top]))
		}
		sum += math.Log(total) + (float64(row[top]) - float64(row[y]))
		if top == int(y) {
			correct++
		}
	}
	return sum, correct
}
