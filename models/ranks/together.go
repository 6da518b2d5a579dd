package ranks

import "context"

// Together is a context that ends on all ranks between the same two calls of Agree: with a signal that reaches one
// rank, or reaches them at different moments, none is left waiting for the others.
type Together struct {
	context.Context
	group  Group
	own    context.Context // what tells this rank to end
	cancel context.CancelFunc
	flag   [1]float64
}

// NewTogether follows a context. For a process alone it is that context. Call Close.
func NewTogether(ctx context.Context, g Group) *Together {
	t := &Together{Context: ctx, group: Of(g), own: ctx, cancel: func() {}}
	if t.group.Size() > 1 {
		t.Context, t.cancel = context.WithCancel(context.WithoutCancel(ctx))
	}
	return t
}

// Agree ends the context on all ranks if one of them has been told to end. It returns the context's error, if any.
func (t *Together) Agree() error {
	if t.group.Size() == 1 || t.Err() != nil {
		return t.Err()
	}
	t.flag[0] = 0
	if t.own.Err() != nil {
		t.flag[0] = 1
	}
	if err := t.group.Sum64(t.flag[:]); err != nil {
		return err
	}
	if t.flag[0] > 0 {
		t.cancel()
	}
	return t.Err()
}

// Close ends the context.
func (t *Together) Close() { t.cancel() }
