package search_test

import (
	"fmt"
	"testing"

	"zos-ort/graphgen/check"
	"zos-ort/models/budget"
	"zos-ort/models/space"
	"zos-ort/search"
)

// limited is the search with a limit on weights halfway between the smallest and the largest network of its mask.
func limited(c search.Config, at float64) search.Config {
	params, _ := space.DARTS.CountedCosts(space.Size{Channels: 8, Cells: 6}, 10, 8)
	l := budget.Limit{Name: "weights", Costs: params, Print: func(x float64) string { return fmt.Sprint(x) }}
	least, most := l.Range(c.Net.Mask)
	l.Most = least + at*(most-least)
	c.Limits = budget.Limits{l}
	return c
}

// wide is a search over half of the space, which has cheap and dear networks.
func wide() search.Config {
	c := tinyConfig()
	for t, e := range c.Net.Mask.Places() {
		c.Net.Mask.Put(t, e, space.SetOf(space.SkipConnect, space.SepConv3x3, space.SepConv5x5))
	}
	return c
}

// What a search finds keeps to its limits in every epoch, by the alphas and by a perturbation. The price rises while what
// the alphas say breaks the limit, and moves the alphas towards cheaper operations.
func TestSearchWithinLimits(t *testing.T) {
	runtime(t)
	free := wide()
	free.Epochs, free.Warmup, free.Alpha, free.Beta = 3, 0, .05, 0
	found, _ := runs(t, free)
	perturbs := free
	perturbs.Epochs, perturbs.Perturb = 1, &search.Perturb{}
	for name, c := range map[string]search.Config{"alphas": limited(free, .25), "perturbation": limited(perturbs, .25)} {
		res, rec := runs(t, c)
		for _, ep := range rec.epochs {
			if !c.Limits.Met(ep.Genotype) {
				t.Errorf("%s: the genotype of epoch %d has %v weights, limit %v", name, ep.Epoch, c.Limits.Costs(ep.Genotype),
					c.Limits[0].Most)
			}
		}
		if name == "alphas" {
			if c.Limits.Met(found.Genotype) {
				t.Errorf("%s: the search without limits meets them: the test proves nothing", name)
			}
			if with, without := c.Limits[0].Expected(res.Alphas), c.Limits[0].Expected(found.Alphas); with >= without {
				t.Errorf("%s: the expected cost is %v with a limit, %v without", name, with, without)
			}
		}
	}
}

// A mask that holds nothing within the limits is refused.
func TestLimitsThatNothingMeets(t *testing.T) {
	c := limited(wide(), -.01)
	check.Error(t, c.Validate(), "no network has at most")
}
