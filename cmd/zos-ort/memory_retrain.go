package main

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/device"
	"zos-ort/cmd/internal/host"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/graphgen"
	"zos-ort/graphgen/plan"
	"zos-ort/models/network"
	"zos-ort/models/space"
	"zos-ort/ort"
	"zos-ort/ort/meter"
)

// retrainRow is a program of a retraining: bytes, and the time of one step where it was made.
type retrainRow struct {
	Program  string  `json:"program"`
	Nodes    int     `json:"nodes"`
	Live     int     `json:"live_peak_bytes"`
	Peak     int     `json:"predicted_peak_bytes"` // with state, inputs and constants
	Measured int64   `json:"measured_live_peak_bytes,omitempty"`
	Resident int64   `json:"peak_rss_bytes,omitempty"` // of the process so far
	Seconds  float64 `json:"seconds,omitempty"`

	GPU *meter.Peaks `json:"gpu_memory,omitempty"`

	program *graphgen.Program
}

// memoryOfRetraining is the action of memory --retrain.
func memoryOfRetraining(c *cli.Context, threads int, p *terminal.Console) error {
	e, err := retrainMemory(c, threads)
	if err != nil {
		return err
	}
	d, err := device.Plan(&e, c.Bool("measure"), p)
	if err != nil {
		return err
	}
	defer d.Close()
	programs, err := e.Programs(settings.StageTraining, space.Mask{})
	if err != nil {
		return terminal.Usage(err)
	}
	var rows []retrainRow
	for _, g := range programs {
		r := plan.Of(g.Graph)
		rows = append(rows, retrainRow{Program: g.Name, Nodes: len(g.Graph.Nodes), Live: r.Peak,
			Peak: r.Total(), program: g})
	}
	by := meter.Bench{Options: d.Options(e), GPU: d.Meter}
	if c.Bool("measure") {
		if err := measureRetraining(c.Context, by, p, rows); err != nil {
			return err
		}
	}
	return printRetrain(p, e, rows, c.Bool("measure"), by.GPUHeader())
}

// retrainMemory reads the command line; the network is the paper's unless flags say otherwise.
func retrainMemory(c *cli.Context, threads int) (e settings.Experiment, err error) {
	e = settings.PaperRetraining()
	e.Images = settings.PaperOnCIFAR().Images
	e.Device.Threads, e.Retraining.Batch = threads, c.Int("batch")
	settings.Join(settings.TrainingOptions.Only("channels", "cells"), settings.ImageOptions.Only("image-size"),
		settings.DeviceOptions).Apply(c, "", &e)
	if e.Retraining.Genotype, err = settings.FindGenotype(c.String("retrain")); err != nil {
		return e, err
	}
	e.Retraining.Auxiliary = e.Images.Size >= network.AuxiliaryImage
	if err = e.Device.SetGPU(); err != nil {
		return e, err
	}
	return e, e.CheckPlanned()
}

// measureRetraining runs every program once in an inference session.
func measureRetraining(ctx context.Context, by meter.Bench, p *terminal.Console, rows []retrainRow) error {
	if err := ort.Open(""); err != nil {
		return err
	}
	p.Start(len(rows), "running")
	defer p.Stop()
	for i := range rows {
		r := &rows[i]
		m, gpu, err := by.Of(ctx, r.program)
		if err != nil {
			return err
		}
		r.GPU = gpu
		r.Measured, r.Resident, r.Seconds = m.Peak, host.PeakRSS(), m.Seconds
		p.Step(r.Program)
	}
	return nil
}

func printRetrain(p *terminal.Console, e settings.Experiment, rows []retrainRow, measured bool,
	gpu []string) error {
	t, weights := e.Retraining, rows[0].program.Weights.Len()
	head := "without auxiliary head"
	if t.Auxiliary {
		head = "with auxiliary head"
	}
	p.Result("memory in MB (10^6 bytes): %d cells, %d channels, batch %d, %dx%d images, drop-path, %s, "+
		"%d parameters", t.Cells, t.Channels, t.Batch, e.Images.Size, e.Images.Size, head, weights)
	header := []string{"program", "nodes", "peak", "per image", "live bytes"}
	if measured {
		header = append(append(header, "measured", "difference", "process so far", "seconds"), gpu...)
	}
	var cells [][]string
	for _, r := range rows {
		row := []string{r.Program, fmt.Sprint(r.Nodes), terminal.MB(r.Peak), terminal.MB(r.Peak / t.Batch),
			terminal.MB(r.Live)}
		if measured {
			row = append(row, terminal.MB(int(r.Measured)), fmt.Sprintf("%+.1f %%",
				100*(float64(r.Live)/float64(r.Measured)-1)), terminal.OptionalMB(int(r.Resident)),
				fmt.Sprintf("%.2f", r.Seconds))
			row = append(row, r.GPU.Columns()...)
		}
		cells = append(cells, row)
	}
	if err := p.Table(header, cells); err != nil {
		return err
	}
	return p.Value(map[string]any{"config": e, "parameters": weights, "rows": rows})
}
