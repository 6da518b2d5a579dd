package celldraw

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/goccy/go-graphviz"
)

// graphvizLock guards Graphviz: the module has one WebAssembly instance with one memory.
var graphvizLock sync.Mutex

// SVG lays out a DOT graph and renders it. It cannot be interrupted while it runs (about 5 ms
// for a cell); the context is asked before.
func SVG(ctx context.Context, dot string) ([]byte, error) { return render(ctx, dot, graphviz.SVG) }

// PNG is SVG for those who show no vectors; it takes about 200 ms.
func PNG(ctx context.Context, dot string) ([]byte, error) { return render(ctx, dot, graphviz.PNG) }

func render(ctx context.Context, dot string, format graphviz.Format) (_ []byte, err error) {
	graphvizLock.Lock()
	defer graphvizLock.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("draw cell: %w", err)
	}
	g, err := graphviz.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("draw cell: start Graphviz: %w", err)
	}
	// Close reports the number of errors since the start of the process, which nothing resets: after
	// one bad graph it would fail every later drawing.
	defer func() { _ = g.Close() }()
	graph, err := graphviz.ParseBytes([]byte(dot))
	if err != nil {
		return nil, fmt.Errorf("draw cell: not DOT: %w", err)
	}
	if graph == nil { // what ParseBytes gives for an empty text, without an error
		return nil, errors.New("draw cell: not DOT: there is no graph")
	}
	defer func() { err = errors.Join(err, graph.Close()) }() // before its Graphviz
	var out bytes.Buffer
	if err := g.Render(ctx, graph, format, &out); err != nil {
		return nil, fmt.Errorf("draw cell: render: %w", err)
	}
	if out.Len() == 0 {
		return nil, errors.New("draw cell: Graphviz rendered nothing")
	}
	return out.Bytes(), nil
}
