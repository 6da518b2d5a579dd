package main

import "math"

// crossEntropy is the mean of -log softmax(logits)[label], in float64.
func crossEntropy(logits []float32, labels []int64, classes int) float64 {
	loss := 0.0
	for i, y := range labels {
		row := logits[i*classes : (i+1)*classes]
		sum := 0.0
		for _, z := range row {
			sum += math.Exp(float64(z))
		}
		loss += (math.Log(sum) - float64(row[y])) / float64(len(labels))
	}
	return loss
}
