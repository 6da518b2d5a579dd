package bench

import (
	"context"
	"fmt"
	"slices"

	"zos-ort/cmd/internal/device"
	"zos-ort/cmd/internal/profile"
	"zos-ort/cmd/internal/rundir"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/ort/kernels"
)

// Limits prints what the machine can do at most, for every number of threads.
func Limits(p *terminal.Console, cases []Case) error {
	var rows []kernels.Limits
	var cells [][]string
	for _, c := range cases {
		if slices.ContainsFunc(rows, func(l kernels.Limits) bool { return l.Threads == c.Device.Threads }) {
			continue
		}
		l, err := kernels.MeasureLimits(c.Device.Threads)
		if err != nil {
			return err
		}
		rows = append(rows, l)
		cells = append(cells, []string{fmt.Sprint(l.Threads), fmt.Sprintf("%.1f", l.GFlops),
			fmt.Sprintf("%.1f", l.Memory), fmt.Sprintf("%.1f", l.Cache)})
	}
	p.Result("limits with kernels %s: arithmetic in registers; reading and writing", kernels.Level())
	header := []string{"threads", "GFLOP/s", "GB/s from memory", "GB/s from caches"}
	if err := p.Table(header, cells); err != nil {
		return err
	}
	return p.Value(map[string]any{"kernels": kernels.Level(), "rows": rows})
}

// Profile profiles every case on a device into a folder of its own.
func Profile(ctx context.Context, p *terminal.Console, cases []Case, d *device.Device, out string) error {
	dir, err := rundir.Create(out, "bench")
	if err != nil {
		return err
	}
	var folders []string
	for _, c := range cases {
		name := fmt.Sprintf("%s-batch%d-threads%d", c.Method, c.batch(), c.Device.Threads)
		into, err := rundir.Create(dir.Path(name), "bench")
		if err != nil {
			return err
		}
		p.Result("%s", c)
		list, err := c.emit()
		if err != nil {
			return err
		}
		if err := profile.Programs(ctx, list, d.Options(c.Experiment), into, p); err != nil {
			return err
		}
		folders = append(folders, string(into))
	}
	return p.Value(map[string]any{"folders": folders})
}
