package stages

import (
	"fmt"
	"testing"

	"zos-ort/cmd/internal/settings"
	"zos-ort/graphgen/check"
	"zos-ort/search/data"
)

// No two repeats of a ranking see the same images, whichever of neighbouring seeds they belong to.
func TestRankingImagesOfNeighbouringSeeds(t *testing.T) {
	train, _, err := data.Synthetic(data.SyntheticConfig{Size: 8, Train: 60, Test: 1, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for seed := range uint64(4) {
		for repeat := range 3 {
			e := settings.Experiment{Seed: seed, Ranking: settings.Ranking{Batch: 8, Batches: 1}}
			batches := check.Must(RankingBatches(t.Context(), e, train, repeat))(t)
			name, key := fmt.Sprintf("seed %d, repeat %d", seed, repeat), fmt.Sprint(batches[0].Images[:3*8*8*2])
			if other, taken := seen[key]; taken {
				t.Errorf("%s has the images of %s", name, other)
			}
			seen[key] = name
		}
	}
}
