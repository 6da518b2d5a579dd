package data

import (
	"context"
	"errors"
	"slices"
	"testing"

	"zos-ort/graphgen/check"
	"zos-ort/models/safe"

	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var search = Augment{Pad: 4, Flip: true}

func mustLoader(t testing.TB, cfg LoaderConfig) *Loader {
	t.Helper()
	l, err := NewLoader(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

// hashes drains a pass, or takes the first n batches of an endless one.
func hashes(p *Pass, n int) []string {
	var all []string
	for len(all) != n {
		b, ok := p.Next()
		if !ok {
			break
		}
		all = append(all, hash(b))
	}
	return all
}

func TestEpochSeesEveryImageOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set := noise(40, 3, 4)
		n := rapid.IntRange(1, 40).Draw(t, "n")
		cfg := LoaderConfig{Set: set, Indices: rapid.Permutation(seq(40)).Draw(t, "indices")[:n],
			Batch: rapid.IntRange(1, n).Draw(t, "batch"), Seed: rapid.Uint64().Draw(t, "seed"),
			Shuffle: rapid.Bool().Draw(t, "shuffle"), Prefetch: rapid.IntRange(1, 4).Draw(t, "prefetch"),
			Tail: Tail(rapid.IntRange(0, 2).Draw(t, "tail"))}
		l, err := NewLoader(context.Background(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		p := l.Epoch(rapid.IntRange(0, 1000).Draw(t, "epoch"))
		var seen []int
		steps := 0
		for b, ok := p.Next(); ok; b, ok = p.Next() {
			steps++
			seen = append(seen, b.Source[:b.Count]...)
			checkBatch(t, set, b, &cfg, n-(steps-1)*cfg.Batch)
		}
		if steps != l.Steps() || p.Err() != nil {
			t.Fatalf("%d batches, Steps says %d, error %v", steps, l.Steps(), p.Err())
		}
		want := slices.Clone(cfg.Indices)
		if cfg.Tail == TailDrop {
			want = want[:n/cfg.Batch*cfg.Batch]
		}
		if cfg.Shuffle {
			slices.Sort(seen)
			if distinct := slices.Compact(slices.Clone(seen)); len(distinct) != len(want) {
				t.Fatalf("%d different images of %d: %v", len(distinct), len(want), seen)
			}
		} else if !slices.Equal(seen, want) {
			t.Fatalf("images %v, want %v", seen, want)
		}
	})
}

// checkBatch compares a batch without augmentation with the set; left images were left for it.
func checkBatch(t *rapid.T, set *Set, b *Batch, cfg *LoaderConfig, left int) {
	size := cfg.Batch
	if cfg.Tail == TailShort {
		size = min(size, left)
	}
	if len(b.Labels) != size || len(b.Source) != size || len(b.Images) != size*set.Pixels() ||
		b.Count != min(size, left) {
		t.Fatalf("batch of %d labels, %d numbers, count %d, want %d with %d left", len(b.Labels),
			len(b.Images), b.Count, size, left)
	}
	table, want := newNormalisation(set), make([]float32, set.Pixels())
	for k, i := range b.Source {
		Augment{}.apply(want, set.Image(i), set.Size, table, nil)
		if b.Labels[k] != int64(set.Labels[i]) ||
			!slices.Equal(b.Images[k*len(want):(k+1)*len(want)], want) {
			t.Fatalf("slot %d does not hold image %d", k, i)
		}
	}
}

func seq(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// A resumed run starts at some epoch with a fresh loader, perhaps with another prefetch, and has to
// see what the run that was not interrupted sees.
func TestResumeGivesTheSameBits(t *testing.T) {
	cfg := LoaderConfig{Set: noise(50, 8, 5), Batch: 16, Seed: 3, Augment: search, Shuffle: true}
	l := mustLoader(t, cfg)
	var whole [4][]string
	for epoch := range whole {
		whole[epoch] = hashes(l.Epoch(epoch), -1)
		if epoch > 0 && slices.Equal(whole[epoch], whole[epoch-1]) {
			t.Errorf("epochs %d and %d are the same", epoch-1, epoch)
		}
	}
	cfg.Prefetch = 5
	resumed := mustLoader(t, cfg)
	resumed.Epoch(1).Next() // a pass that is given up leaves no trace
	for _, epoch := range []int{3, 2, 3} {
		if got := hashes(resumed.Epoch(epoch), -1); !slices.Equal(got, whole[epoch]) {
			t.Errorf("epoch %d: %v, in the whole run %v", epoch, got, whole[epoch])
		}
	}
	cfg.Seed = 4
	if got := hashes(mustLoader(t, cfg).Epoch(1), -1); slices.Equal(got, whole[1]) {
		t.Error("seeds 3 and 4 give the same epoch")
	}
}

// Constants: the bits of one epoch of each kind. They change only if the data of every
// seeded run changes, which has to be a decision.
func TestLoaderBitsAreFixed(t *testing.T) {
	cfg := LoaderConfig{Set: noise(40, 8, 5), Batch: 16, Seed: 9, Shuffle: true, Tail: TailPad,
		Augment: Augment{Pad: 4, Flip: true, Cutout: 4}}
	l := mustLoader(t, cfg)
	want := []string{"c073b4f5f0ee7f57", "54b44333df39de7d", "757af5ac4973bee5"}
	if got := hashes(l.Epoch(2), -1); !slices.Equal(got, want) {
		t.Errorf("epoch: %q, want %q", got, want)
	}
	want = []string{"c073b4f5f0ee7f57", "54b44333df39de7d", "a696b50d96ac3f30"}
	if got := hashes(l.Endless(2), 3); !slices.Equal(got, want) {
		t.Errorf("endless: %q, want %q", got, want)
	}
}

func TestEndlessReshuffles(t *testing.T) {
	const n, batch = 10, 4
	cfg := LoaderConfig{Set: noise(n, 8, 5), Batch: batch, Seed: 1, Augment: search, Shuffle: true}
	l := mustLoader(t, cfg)
	p := l.Endless(6)
	var order []int
	looks := map[string]bool{}
	for range 10 { // 40 images are four rounds
		b, ok := p.Next()
		if !ok || b.Count != batch || len(b.Labels) != batch {
			t.Fatal("not a full batch")
		}
		order = append(order, b.Source...)
		looks[hash(b)] = true
	}
	if len(looks) != 10 {
		t.Errorf("%d different batches of 10", len(looks))
	}
	rounds := slices.Collect(slices.Chunk(order, n))
	for i, round := range rounds {
		if i > 0 && slices.Equal(round, rounds[0]) {
			t.Errorf("round %d has the order of round 0: %v", i, round)
		}
		sorted := slices.Clone(round)
		slices.Sort(sorted)
		if !slices.Equal(sorted, seq(n)) {
			t.Errorf("round %d is not all images once: %v", i, round)
		}
	}
	again := hashes(mustLoader(t, cfg).Endless(6), 10)
	for _, h := range again {
		if !looks[h] {
			t.Errorf("a new loader gives other batches for the same epoch")
			break
		}
	}
	if next := hashes(l.Endless(7), 10); slices.Equal(next, again) {
		t.Error("epochs 6 and 7 are the same")
	}
	if first := hashes(l.Epoch(6), 1); first[0] != again[0] {
		t.Error("the first round of an endless pass is not its epoch")
	}
}

// A batch may be larger than the whole set.
func TestEndlessOfFewImages(t *testing.T) {
	l := mustLoader(t, LoaderConfig{Set: noise(3, 4, 3), Batch: 8, Shuffle: true, Tail: TailPad})
	b, ok := l.Endless(0).Next()
	if !ok || b.Count != 8 {
		t.Fatalf("count %d, want 8", b.Count)
	}
	b, ok = l.Epoch(0).Next()
	if !ok || b.Count != 3 || len(b.Labels) != 8 {
		t.Fatalf("count %d of %d, want 3 of 8", b.Count, len(b.Labels))
	}
	for k, i := range b.Source {
		if i != b.Source[k%3] {
			t.Errorf("padding %v does not repeat the epoch's beginning", b.Source)
		}
	}
}

func TestCancelEndsThePass(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	l, err := NewLoader(ctx, LoaderConfig{Set: noise(10, 4, 3), Batch: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p := l.Endless(0)
	if _, ok := p.Next(); !ok || p.Err() != nil {
		t.Fatalf("no first batch: %v", p.Err())
	}
	cancel()
	if _, ok := p.Next(); ok || !errors.Is(p.Err(), context.Canceled) {
		t.Errorf("a batch after cancellation, or error %v", p.Err())
	}
	if p := l.Epoch(0); len(hashes(p, -1)) != 0 || !errors.Is(p.Err(), context.Canceled) {
		t.Errorf("a pass starts after cancellation, error %v", p.Err())
	}
}

func TestCloseStopsTheGoroutine(t *testing.T) {
	before := goleak.IgnoreCurrent()
	for _, take := range []int{0, 1, 5} {
		l, err := NewLoader(context.Background(), LoaderConfig{Set: noise(10, 4, 3), Batch: 2})
		if err != nil {
			t.Fatal(err)
		}
		p := l.Epoch(0)
		if got := len(hashes(p, take)); got != take {
			t.Errorf("%d batches, want %d", got, take)
		}
		l.Close()
		l.Close() // twice does no harm
		if _, ok := p.Next(); ok {
			t.Error("a batch after Close")
		}
		goleak.VerifyNone(t, before)
	}
}

// The step loop must not make garbage. Shuffling of a new round is included.
func TestNextAllocatesNothing(t *testing.T) {
	l := mustLoader(t, LoaderConfig{Set: noise(64, 16, 4), Batch: 16, Augment: Augment{4, true, 8},
		Shuffle: true})
	p := l.Endless(0)
	hashes(p, 4)
	n := testing.AllocsPerRun(10, func() {
		for range 20 { // five rounds
			p.Next()
		}
	})
	if n != 0 {
		t.Errorf("%.0f allocations in 20 batches, want 0", n)
	}
}

func TestWaited(t *testing.T) {
	set := noise(64, 64, 4)
	l := mustLoader(t, LoaderConfig{Set: set, Batch: 64, Prefetch: 1})
	p := l.Endless(0)
	for range 20 { // a consumer that does nothing waits for every batch
		p.Next()
	}
	busy := l.Waited()
	if busy <= 0 {
		t.Fatalf("waited %v", busy)
	}
	p.ready <- <-p.ready // now a batch is ready
	p.Next()
	if rest := l.Waited() - busy; rest != 0 {
		t.Errorf("waited %v for a batch that was ready", rest)
	}
}

func TestNewLoaderBadConfig(t *testing.T) {
	set := noise(10, 8, 2)
	broken := *set
	broken.Std[0] = 0
	cases := []struct {
		cfg    LoaderConfig
		pieces []string
	}{
		{LoaderConfig{Batch: 1}, []string{"no set"}},
		{LoaderConfig{Set: set}, []string{"batch is 0"}},
		{LoaderConfig{Set: set, Batch: 1, Prefetch: -1}, []string{"prefetch is -1"}},
		{LoaderConfig{Set: set, Batch: 1, Tail: 3}, []string{"tail is 3", "0..2"}},
		{LoaderConfig{Set: set, Batch: 1, Augment: Augment{Pad: 9}}, []string{"pad is 9", "0..8"}},
		{LoaderConfig{Set: set, Batch: 1, Indices: []int{0, -1}}, []string{"index -1", "0..9"}},
		{LoaderConfig{Set: set, Batch: 1, Indices: []int{}}, []string{"no images of noise"}},
		{LoaderConfig{Set: set, Batch: 11, Tail: TailDrop}, []string{"10 images", "no full batch of 11"}},
		{LoaderConfig{Set: &broken, Batch: 1}, []string{"std of channel 0"}},
	}
	for _, c := range cases {
		l, err := NewLoader(context.Background(), c.cfg)
		wantError(t, err, c.pieces...)
		if l != nil {
			t.Error("a loader comes with the error")
		}
	}
}

// A panic where batches are filled ends the pass with an error that keeps its trace.
func TestPanicEndsThePass(t *testing.T) {
	set := noise(8, 4, 2)
	l := check.Must(NewLoader(t.Context(), LoaderConfig{Set: set, Batch: 4}))(t)
	defer l.Close()
	set.Labels = set.Labels[:2] // the loader has checked the set before
	pass := l.Epoch(0)
	if _, ok := pass.Next(); ok {
		t.Error("a batch was filled from labels that are not there")
	}
	var p *safe.Panic
	if !errors.As(pass.Err(), &p) || len(p.Stack) == 0 {
		t.Errorf("got %v", pass.Err())
	}
}

func TestPanicOfAParallelCall(t *testing.T) {
	err := parallel(t.Context(), 10, nil, func(i int) error {
		if i == 3 {
			panic("no image 3")
		}
		return nil
	})
	var p *safe.Panic
	if !errors.As(err, &p) || p.Value != "no image 3" {
		t.Errorf("got %v", err)
	}
}

// A panic of whoever shows the progress is an error too.
func TestPanicOfProgress(t *testing.T) {
	err := parallel(context.Background(), 20, func(int, int) { panic("no terminal") }, func(int) error { return nil })
	var p *safe.Panic
	if !errors.As(err, &p) || p.Value != "no terminal" {
		t.Errorf("got %v", err)
	}
}
