package terminal

import (
	"context"
	"sync/atomic"
)

// activityKey finds the activity in a context.
type activityKey struct{}

// WithActivity makes room in a context for what the program is doing.
func WithActivity(ctx context.Context) context.Context {
	return context.WithValue(ctx, activityKey{}, new(atomic.Value))
}

// Doing notes what the program begins to do, such as "reading images", for a user who waits for its end.
func Doing(ctx context.Context, what string) {
	if v, ok := ctx.Value(activityKey{}).(*atomic.Value); ok {
		v.Store(what)
	}
}

// Activity is what the program has begun to do.
func Activity(ctx context.Context) string {
	if v, ok := ctx.Value(activityKey{}).(*atomic.Value); ok {
		if what, ok := v.Load().(string); ok {
			return what
		}
	}
	return "at work"
}
