package stages

import (
	"context"
	"fmt"

	"zos-ort/cmd/internal/forecast"
	"zos-ort/cmd/internal/settings"
	"zos-ort/graphgen"
	"zos-ort/models/stream"
	"zos-ort/search"
	"zos-ort/search/data"
	"zos-ort/search/train"
)

// trainedRanking are the weights of the unpruned ranking network of a repeat, trained for a while on the half of the
// images that trains the supernet's weights in the search. Rounds after the first find them trained.
func (r *Run) trainedRanking(ctx context.Context, repeat int, to graphgen.Layout) ([]float32, error) {
	if w, ok := r.ranking[repeat]; ok {
		return w, nil
	}
	e := r.Experiment
	l, err := e.Lowering()
	if err != nil {
		return nil, err
	}
	c := search.Config{Net: e.RankingNet(e.Space.Of().FullMask()), Batch: e.Batch(settings.StageRankTraining),
		Epochs: e.Ranking.Epochs, Rate: e.Search.Rate, Options: r.Device.Options(e), Lowering: l}
	half, _ := data.Split(r.train.Len(), e.Seed)
	images, err := data.NewLoader(ctx, data.LoaderConfig{Set: r.train, Indices: half, Batch: c.Batch, Shuffle: true,
		Augment: data.Augment{Pad: e.Search.Pad, Flip: true}, Tail: data.TailDrop,
		Seed: stream.Seed(e.Seed, stream.RankTraining, uint64(repeat))})
	if err != nil {
		return nil, err
	}
	defer images.Close()
	initial := func(l graphgen.Layout) []float32 {
		return l.Initialize(stream.New(e.Seed, stream.RankWeights, uint64(repeat)))
	}
	from, trained, err := c.Fit(ctx, e.Images.Size, initial, images, func(p train.Progress) {
		r.clock.At(forecast.RankTraining, repeat*c.Epochs+p.Epoch, p.Step, false)
		if p.Epoch == 0 && p.Step == 1 {
			r.Console.Start(p.Steps*c.Epochs, "training the ranking network")
		}
		r.Console.Step(fmt.Sprintf("training ranking network %d, epoch %d%s, loss %.3f", repeat+1, p.Epoch+1, r.left(), p.Loss))
	})
	if err != nil {
		return nil, fmt.Errorf("training of the ranking network: %w", err)
	}
	w := make([]float32, to.Len())
	if err := to.Transfer(w, from, trained); err != nil {
		return nil, err
	}
	if r.ranking == nil {
		r.ranking = map[int][]float32{}
	}
	r.ranking[repeat] = w
	return w, nil
}
