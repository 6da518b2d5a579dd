package space_test

import (
	"encoding/json"
	"fmt"

	"zos-ort/models/space"
)

// A mask is a set of operations for every edge of every cell type.
func ExampleMask() {
	mask := space.DARTS.FullMask().Drop(space.None)
	mask.Put(space.Normal, 0, space.SetOf(space.SkipConnect, space.SepConv3x3))
	fmt.Println(mask.Count(), "of", space.DARTS.FullMask().Count(), "operations:", mask.Primitives(space.Normal, 0))

	text, err := json.Marshal(mask)
	if err != nil {
		fmt.Println(err)
		return
	}
	var read space.Mask
	fmt.Println(json.Unmarshal(text, &read), read == mask)
	// Output:
	// 191 of 224 operations: [skip_connect sep_conv_3x3]
	// <nil> true
}

// The genotype keeps, for every node, the two edges with the strongest operation other than none.
func ExampleAlphas_Genotype() {
	alphas := space.NewAlphas(space.DARTS.FullMask(), false)
	for i, c := range space.DARTS.FullMask().Candidates(space.Normal) {
		if c.Op == space.SepConv3x3 {
			alphas.Flat(space.Normal)[i] = 1 + .1*float64(c.Edge)
		}
	}
	g, err := alphas.Genotype()
	if err != nil {
		fmt.Println(err)
		return
	}
	genes := g.Cell(space.Normal)
	for _, gene := range genes[:4] {
		fmt.Println(gene.Op, gene.Source)
	}
	// Output:
	// sep_conv_3x3 1
	// sep_conv_3x3 0
	// sep_conv_3x3 2
	// sep_conv_3x3 1
}
