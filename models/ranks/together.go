package ranks

import "context"

// Together is a context of a group that ends on all ranks at the same call of Agree: with a signal that reaches one
// rank, or reaches them at different moments, none is left waiting for the others.
type Together struct {
	context.Context
	Group
	own    context.Context // what tells this rank to end
	cancel context.CancelFunc
	flag   [1]float64
}

// NewTogether follows a context. For a process alone it is that context. Call End.
func NewTogether(ctx context.Context, g Group) *Together {
	t := &Together{Context: ctx, Group: Of(g), own: ctx, cancel: func() {}}
	if t.Size() > 1 {
		t.Context, t.cancel = context.WithCancel(context.WithoutCancel(ctx))
	}
	return t
}

// Agree ends the context on all ranks if one of them has been told to end. Its error is one of the group.
func (t *Together) Agree() error {
	if t.Size() == 1 || t.Err() != nil {
		return nil
	}
	t.flag[0] = 0
	if t.own.Err() != nil {
		t.flag[0] = 1
	}
	if err := t.Sum64(t.flag[:]); err != nil {
		return err
	}
	if t.flag[0] > 0 {
		t.cancel()
	}
	return nil
}

// Own is the context of this rank alone, which may end before the others agree: for work that no other rank waits for.
func (t *Together) Own() context.Context { return t.own }

// End ends the context.
func (t *Together) End() { t.cancel() }
