package judge

import (
	"context"
	"fmt"
	"strings"

	"zos-ort/cmd/internal/archs"
	"zos-ort/cmd/internal/rundir"
	"zos-ort/cmd/internal/surrogate"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/space"
)

// OpenSurrogate opens the file of a surrogate; the runtime is open. Close it.
func OpenSurrogate(ctx context.Context, path string, threads int) (*surrogate.Model, error) {
	f, err := surrogate.Read(path, surrogate.DefaultBatch, surrogate.LastEpoch)
	if err != nil {
		return nil, err
	}
	return f.Open(ctx, threads)
}

// Judging says by what a run is judged: a surrogate, or a table of architectures that were trained.
type Judging struct {
	Surrogate, Truth, Column string
	Data                     string // name of the data, which chooses the column if none is given
	Space                    *space.Space
	Threads                  int
}

// Open opens the source, nil if there is none, and gives the name of its file. The runtime is open.
func (x Judging) Open(ctx context.Context) (source Source, name string, err error) {
	switch {
	case x.Surrogate != "" && x.Truth != "":
		return nil, "", terminal.Usagef("--surrogate and --truth both judge: leave one of them away")
	case x.Column != "" && x.Truth == "":
		return nil, "", terminal.Usagef("--truth-column is a column of --truth")
	case x.Truth != "":
		name = x.Truth
		source, err = readTruth(x.Truth, x.Column, x.Data)
	case x.Surrogate != "":
		name = x.Surrogate
		source, err = OpenSurrogate(ctx, x.Surrogate, x.Threads)
	default:
		return nil, "", nil
	}
	if err == nil && source.Space() != x.Space {
		source.Close()
		err = terminal.Usagef("%s knows architectures of the space %s, not of %s (--space)", name, source.Space().Name(),
			x.Space.Name())
	}
	return source, name, err
}

// readTruth reads a table. Without a column it takes that of the data, such as cifar10_test for cifar-10, or the only one
// that is called accuracy.
func readTruth(path, column, data string) (*Table, error) {
	f, err := archs.Read(path)
	if err != nil {
		return nil, err
	}
	if of := strings.ReplaceAll(data, "-", "") + "_test"; column == "" && f.Has(of) {
		column = of
	}
	t, err := tableOf(f, column)
	if err == nil && !t.Complete() {
		err = fmt.Errorf("table %s holds %d architectures of the space %s, not all of them: a run is judged by a complete one, "+
			"and zos-ort judge --table takes any", path, len(t.of), t.space.Name())
	}
	return t, err
}

// Of judges subjects by a source of the given name; the console shows how far it is.
func Of(ctx context.Context, s Settings, source Source, name string, subjects []Subject,
	p *terminal.Console) (*Report, error) {
	defer p.Stop()
	p.Start(s.Samples, "random architectures")
	j, err := New(ctx, s, source, func() { p.Step("") })
	if err != nil {
		return nil, err
	}
	return j.Report(ctx, name, subjects, p)
}

// Folder judges the runs in a folder, prints the verdict and saves it there.
func Folder(ctx context.Context, source Source, name, folder string, p *terminal.Console) (*Report, error) {
	subjects, err := Find(folder)
	if err != nil {
		return nil, err
	}
	r, err := Of(ctx, Default(), source, name, subjects, p)
	if err != nil {
		return nil, err
	}
	if err := r.Save(rundir.Dir(folder)); err != nil {
		return nil, err
	}
	return r, r.Print(p)
}
