package train

import (
	"math"

	"zos-ort/ort/program"
	"zos-ort/search/data"
)

// Accuracy runs an evaluation program over a pass: mean cross entropy and the fraction of images
// whose top class is the label. Inputs other than the images must have been set.
func Accuracy(eval *program.Runner, p *data.Pass) (loss, acc float64, err error) {
	seen, correct := 0, 0
	for {
		b, ok := p.Next()
		if !ok {
			break
		}
		if err := eval.Feed(b.Images, nil); err != nil {
			return 0, 0, err
		}
		if err := eval.Run(); err != nil {
			return 0, 0, err
		}
		l, c := CrossEntropy(eval.Logits, b.Labels[:b.Count], eval.Classes)
		loss, correct, seen = loss+l, correct+c, seen+b.Count
	}
	if err := p.Err(); err != nil {
		return 0, 0, err
	}
	return loss / float64(seen), float64(correct) / float64(seen), nil
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
