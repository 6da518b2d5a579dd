package judge

import (
	"context"

	"zos-ort/cmd/internal/rundir"
	"zos-ort/cmd/internal/surrogate"
	"zos-ort/cmd/internal/terminal"
)

// OpenSurrogate opens the file of a surrogate; the runtime is open. Close it.
func OpenSurrogate(ctx context.Context, path string, threads int) (*surrogate.Model, error) {
	f, err := surrogate.Read(path, surrogate.DefaultBatch, surrogate.LastEpoch)
	if err != nil {
		return nil, err
	}
	return f.Open(ctx, threads)
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
