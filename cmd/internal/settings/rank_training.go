package settings

import (
	"slices"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/terminal"
	"zos-ort/prune/proxy"
)

// Defaults of a ranking that looks at trained networks: how long they train, how many batches of other images judge, and
// how many trainings there are at most.
const (
	rankEpochs          = 6
	trainedRankBatches  = 8
	mostTrainedNetworks = 8
)

// ranksBy reports whether a ranker takes part in the pruning.
func (e Experiment) ranksBy(name string) bool {
	list, _ := e.Rankers()
	return slices.ContainsFunc(list, func(p proxy.Proxy) bool { return p.Name == name })
}

// needsTraining names a ranker that says nothing of untrained networks; empty if there is none.
func (e Experiment) needsTraining() string {
	list, _ := e.Rankers()
	if i := slices.IndexFunc(list, func(p proxy.Proxy) bool { return p.Trained }); i >= 0 {
		return list[i].Name
	}
	return ""
}

// settleRanking fits what the flags leave open to rankers that need a trained network.
func (r *Resolved) settleRanking(c *cli.Context, s Source) {
	given := func(flag string) bool { return c.IsSet(s.Prefix + flag) }
	k := &r.Ranking
	if r.Method == "" || r.needsTraining() == "" || k.Epochs > 0 && !given("rank-epochs") { // of --config
		return
	}
	if !given("rank-epochs") {
		k.Epochs = rankEpochs
	}
	if !given("rank-outputs") {
		k.Outputs = 0
	}
	if !given("prune-batches") {
		k.Batches = trainedRankBatches
	}
	if !given("repeats") {
		k.Repeats = min(k.Repeats, mostTrainedNetworks)
	}
}

// checkRankTraining checks the training of the ranking network.
func (e Experiment) checkRankTraining() error {
	if name := e.needsTraining(); name != "" && e.Ranking.Epochs == 0 && e.Prunes() {
		return terminal.Usagef("ranker %s looks at trained networks: give --rank-epochs 1 or more", name)
	}
	return nil
}
