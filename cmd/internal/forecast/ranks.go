package forecast

import (
	"slices"
	"time"

	"zos-ort/cmd/internal/settings"
	"zos-ort/graphgen"
	"zos-ort/models/ranks"
	"zos-ort/models/space"
)

// sums are the seconds that the ranks of a run sum what they have found, in a step of the weights and one of the alphas.
type sums struct{ weight, alpha float64 }

// share gives all ranks the mean of what they have timed, and times the sums. A training of ranking networks and a
// pruning have none that count.
func (s *stage) share(g ranks.Group) error {
	if g.Size() == 1 {
		return nil
	}
	times := []float64{s.opening}
	for _, p := range s.programs {
		times = append(times, s.seconds[p.Name])
	}
	if err := ranks.Mean64(g, times); err != nil {
		return err
	}
	s.opening = times[0]
	for i, p := range s.programs {
		s.seconds[p.Name] = times[1+i]
	}
	if s.seconds[weightGradient] == 0 {
		return nil
	}
	var err error
	if s.sums.weight, err = timeSums(g, weightSums(s.programs[0])); err == nil && s.at == settings.StageSearch {
		s.sums.alpha, err = timeSums(g, s.alphaSums())
	}
	return err
}

// vectors are what is summed one after the other.
type vectors struct {
	single []([]float32)
	double []([]float64)
}

// weightSums are loss and correct, the gradient, and the running statistics.
func weightSums(p *graphgen.Program) vectors {
	v := vectors{single: [][]float32{make([]float32, p.Weights.Len())}, double: [][]float64{make([]float64, 2)}}
	if n := p.Stats.Len(); n > 0 {
		v.single = append(v.single, make([]float32, 2*n))
	}
	return v
}

// alphaSums are loss and correct, and the gradient of the alphas; where operations freeze, also that of the weights.
func (s *stage) alphaSums() vectors {
	alphas := space.NewAlphas(s.mask, s.experiment.Network.Partial > 1).Len()
	v := vectors{double: [][]float64{make([]float64, 2), make([]float64, alphas)}}
	if s.experiment.Search.FreezeBelow > 0 {
		v.single = append(v.single, make([]float32, s.programs[0].Weights.Len()))
	}
	return v
}

// timeSums is the median of a few times on all ranks; the first touches all memory for the first time and does not count.
func timeSums(g ranks.Group, v vectors) (float64, error) {
	var list []float64
	for i := range mostTimed + 1 {
		start := time.Now()
		for _, x := range v.single {
			if err := g.Sum32(x); err != nil {
				return 0, err
			}
		}
		for _, x := range v.double {
			if err := g.Sum64(x); err != nil {
				return 0, err
			}
		}
		if i > 0 {
			list = append(list, time.Since(start).Seconds())
		}
	}
	slices.Sort(list)
	median := list[len(list)/2 : len(list)/2+1]
	err := ranks.Mean64(g, median)
	return median[0], err
}
