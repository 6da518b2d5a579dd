package stages

import (
	"fmt"
	"strconv"

	"zos-ort/models/space"
)

// appendAlphas adds an epoch to the rows of alphas.csv: a column for every operation that the mask leaves, named
// normal/edge3/sep_conv_3x3, and for the edge weights of partial channels, normal/edge3. Seven digits are what the
// graphs compute with; alphas.json has the last epoch's exactly. A run that an earlier version began has no rows of
// its first epochs.
func appendAlphas(rows [][]string, epoch int, a *space.Alphas) [][]string {
	if len(rows) == 0 {
		rows = [][]string{alphasHeader(a)}
	}
	row := []string{strconv.Itoa(epoch)}
	for _, v := range a.Vector() {
		row = append(row, strconv.FormatFloat(v, 'g', 7, 64))
	}
	return append(rows, row)
}

func alphasHeader(a *space.Alphas) []string {
	header := []string{"epoch"}
	for _, t := range a.Mask().Space().CellTypes() {
		for _, c := range a.Mask().Candidates(t) {
			header = append(header, c.String())
		}
	}
	if a.HasEdgeWeights() {
		for _, t := range a.Mask().Space().CellTypes() {
			for e := range a.Mask().Space().Edges() {
				header = append(header, fmt.Sprintf("%v/edge%d", t, e))
			}
		}
	}
	return header
}
