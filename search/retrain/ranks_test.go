package retrain

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"

	"zos-ort/models/ranks"
	"zos-ort/models/ranks/ranktest"
)

// together trains on n ranks in one process.
func together(t *testing.T, c Config, n int, begin func(rank int, m *memory) (context.Context, *Start)) []*memory {
	t.Helper()
	_, train, test := tiny(t)
	list := make([]*memory, n)
	err := ranktest.Run(n, func(g ranks.Group) error {
		own, m := c, new(memory)
		own.Ranks, list[g.Rank()] = g, m
		ctx, from := begin(g.Rank(), m)
		_, err := Run(ctx, own, train, test, from, m)
		if ctx.Done() != nil && errors.Is(err, context.Canceled) {
			return nil
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func fresh(int, *memory) (context.Context, *Start) { return context.Background(), nil }

// All ranks hold the same bits, again and again, and go on to them after an interruption of one rank; with another
// number of ranks they go on too.
func TestRanksTrainTheSame(t *testing.T) {
	c, _, _ := tiny(t)
	c.Batch = 4 // 5 steps of 2 ranks
	want := together(t, c, 2, fresh)
	again := together(t, c, 2, fresh)
	same := func(what string, a, b *memory) {
		if !reflect.DeepEqual(a.steps, b.steps) || !reflect.DeepEqual(a.epochs, b.epochs) ||
			!reflect.DeepEqual(a.state, b.state) {
			t.Errorf("%s: epochs %+v and %+v, or the state, differ", what, a.epochs, b.epochs)
		}
	}
	same("the ranks", want[0], want[1])
	same("again", want[0], again[0])

	ctx, cancel := context.WithCancel(context.Background())
	stopped := together(t, c, 2, func(rank int, m *memory) (context.Context, *Start) {
		if rank == 1 {
			m.onStep = func() {
				if len(m.steps) == 8 { // of 10
					cancel()
				}
			}
		}
		return ctx, nil
	})
	from := func(int, *memory) (context.Context, *Start) {
		return context.Background(), &Start{Vectors: stopped[0].state, Snapshot: stopped[0].snapshot(t)}
	}
	got := together(t, c, 2, from)
	got[0].steps = slices.Concat(stopped[0].steps, got[0].steps)
	got[0].epochs = slices.Concat(stopped[0].epochs, got[0].epochs)
	if len(stopped[0].steps) != 8 || len(stopped[1].steps) != 8 {
		t.Errorf("the ranks stopped after %d and %d steps, want 8", len(stopped[0].steps), len(stopped[1].steps))
	}
	same("resumed", want[0], got[0])
	for n, step := range map[int]int{1: 7, 3: 3} { // 3 steps of 8 images are 6 of 4 and 2 of 12
		m := together(t, c, n, from)
		if p := m[0].steps[0]; p.Epoch != 1 || p.Step != step {
			t.Errorf("%d ranks went on at epoch %d, step %d, want 1 and %d", n, p.Epoch, p.Step, step)
		}
	}
}

// Ranks draw the drop-path factors that one process draws for a batch of all of them, each those of its images.
func TestRanksShareDropPaths(t *testing.T) {
	c, train, test := tiny(t)
	factors := func(c Config, n int) [][]float32 {
		list := make([][]float32, n)
		err := ranktest.Run(n, func(g ranks.Group) error {
			own := c
			own.Ranks = g
			tr := &training{Config: own, ranks: ranks.NewTogether(context.Background(), g)}
			defer tr.close()
			m := new(memory)
			m.onStep = func() {
				if m.steps[len(m.steps)-1].Step == 2 {
					list[g.Rank()] = slices.Clone(tr.step.DropPath)
				}
			}
			at := Snapshot{Epoch: 1}
			if err := tr.open(train, test, Start{}.Vectors); err != nil {
				return err
			}
			return tr.steps(&at, Epoch{Rate: .01, DropPath: .5}, m)
		})
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	whole := factors(c, 1)[0]
	batch := c.Batch
	c.Batch /= 2
	halves := factors(c, 2)
	if len(whole) == 0 || len(halves[0]) != len(whole)/2 {
		t.Fatalf("%d factors for one process, %d for a rank of two", len(whole), len(halves[0]))
	}
	for row := range len(whole) / batch {
		own := slices.Concat(halves[0][row*c.Batch:(row+1)*c.Batch], halves[1][row*c.Batch:(row+1)*c.Batch])
		if !slices.Equal(own, whole[row*batch:(row+1)*batch]) {
			t.Fatalf("operation %d: the ranks have %v, one process has %v", row, own, whole[row*batch:(row+1)*batch])
		}
	}
}
