package train_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"zos-ort/graphgen/check"
	"zos-ort/models/ranks"
	"zos-ort/ort/program"
	"zos-ort/search/data"
	"zos-ort/search/train"
)

// journal is a recorder that writes down what it is told. Epochs and snapshots are numbers.
type journal struct {
	lines     []string
	epoch, at error // of Epoch and Save
}

func (j *journal) Step(train.Progress) {}

func (j *journal) Epoch(e int) error {
	j.lines = append(j.lines, fmt.Sprint("epoch ", e))
	return j.epoch
}

func (j *journal) Save(s int, _ *program.Net) error {
	j.lines = append(j.lines, fmt.Sprint("save ", s))
	return j.at
}

// run makes three epochs, numbered from start, with a function for the work of each.
func (j *journal) run(ctx context.Context, start int, work func(epoch int) error) error {
	at := start
	return train.Loop[int, int]{Recorder: j,
		Done:     func() bool { return at == start+3 },
		Epoch:    func() (int, error) { return at, work(at) },
		Next:     func(int) error { at++; return nil },
		Snapshot: func() int { return at },
	}.Run(ranks.NewTogether(ctx, nil))
}

func TestLoopSavesAfterEveryEpoch(t *testing.T) {
	j := new(journal)
	if err := j.run(t.Context(), 4, func(int) error { return nil }); err != nil {
		t.Fatal(err)
	}
	want := []string{"epoch 4", "save 5", "epoch 5", "save 6", "epoch 6", "save 7"}
	if !slices.Equal(j.lines, want) {
		t.Errorf("got %q, want %q", j.lines, want)
	}
}

// An interruption saves where the training stands; any other error does not.
func TestLoopEndsAtAnError(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	broken, full := errors.New("broken"), errors.New("no space left")
	for name, c := range map[string]struct {
		journal
		ctx        context.Context
		work, want error
		lines      []string
	}{
		"interrupted": {ctx: ctx, work: ctx.Err(), want: context.Canceled, lines: []string{"save 0"}},
		"interrupted, not saved": {ctx: ctx, work: ctx.Err(), journal: journal{at: full}, want: full,
			lines: []string{"save 0"}},
		"broken":                   {ctx: t.Context(), work: broken, want: broken},
		"broken while interrupted": {ctx: ctx, work: broken, want: broken},
		"cancelled elsewhere": {ctx: t.Context(), work: context.Canceled,
			want: context.Canceled},
		"not recorded": {ctx: t.Context(), journal: journal{epoch: full}, want: full,
			lines: []string{"epoch 0"}},
		"not saved": {ctx: t.Context(), journal: journal{at: full}, want: full,
			lines: []string{"epoch 0", "save 1"}},
	} {
		err := c.run(c.ctx, 0, func(int) error { return c.work })
		if !errors.Is(err, c.want) || !slices.Equal(c.lines, c.journal.lines) {
			t.Errorf("%s: got %v and %q, want %v and %q", name, err, c.journal.lines, c.want, c.lines)
		}
	}
}

// numbered is a loader over n images, one a batch, in order.
func numbered(t *testing.T, n int) *data.Loader {
	t.Helper()
	set, _, err := data.Synthetic(data.SyntheticConfig{Size: 8, Train: n, Test: 1})
	if err != nil {
		t.Fatal(err)
	}
	l := check.Must(data.NewLoader(t.Context(), data.LoaderConfig{Set: set, Batch: 1}))(t)
	t.Cleanup(l.Close)
	return l
}

// Steps goes on with the batch after those that were used before, and stands still at an error.
func TestSteps(t *testing.T) {
	l := numbered(t, 6)
	ctx, cancel := context.WithCancel(t.Context())
	broken := errors.New("broken")
	at, skipped := 2, 0
	var seen []int
	skip := func() error { skipped++; return nil }
	steps := func(ctx context.Context, end func(i int) error) error {
		return train.Steps(ranks.NewTogether(ctx, nil), &at, l.Steps(), l.Epoch(0), skip, func(b *data.Batch) error {
			seen = append(seen, b.Source[0])
			return end(b.Source[0])
		})
	}
	err := steps(ctx, func(i int) error {
		if i == 3 {
			cancel() // the step is finished all the same
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || at != 4 || skipped != 2 {
		t.Errorf("interrupted: step %d, %d skipped, %v; want step 4, 2 skipped", at, skipped, err)
	}
	err = steps(t.Context(), func(int) error { return broken })
	if !errors.Is(err, broken) || at != 4 || skipped != 6 {
		t.Errorf("broken: step %d, %d skipped, %v; want step 4, 6 skipped", at, skipped, err)
	}
	if err = steps(t.Context(), func(int) error { return nil }); err != nil || at != 6 {
		t.Errorf("whole: step %d, %v; want step 6", at, err)
	}
	if want := []int{2, 3, 4, 4, 5}; !slices.Equal(seen, want) {
		t.Errorf("images %v, want %v", seen, want)
	}
	at = 0
	err = train.Steps(ranks.NewTogether(t.Context(), nil), &at, 7, l.Epoch(0), skip, func(*data.Batch) error { return nil })
	check.Error(t, err, "the loader ended early")
}
