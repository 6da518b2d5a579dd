package main

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/host"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/graphgen"
	"zos-ort/graphgen/plan"
	"zos-ort/models/network"
	"zos-ort/models/space"
	"zos-ort/ort"
	"zos-ort/ort/meter"
	"zos-ort/search/retrain"
)

// retrainMemory is what the memory of a retraining depends on.
type retrainMemory struct {
	Genotype  space.Genotype `json:"genotype"`
	Batch     int            `json:"batch"`
	Channels  int            `json:"channels"`
	Cells     int            `json:"cells"`
	Image     int            `json:"image_size"`
	Auxiliary bool           `json:"auxiliary"`
	Weights   int            `json:"parameters"` // of the training network
	Device    string         `json:"device"`
	Precision string         `json:"precision"`
}

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
func memoryOfRetraining(c *cli.Context, device *deviceSettings, p *terminal.Console) error {
	m, cfg, err := retrainMemoryFlags(c)
	if err != nil {
		return err
	}
	cuda, err := device.plan(c.Bool("measure"), p)
	if err != nil {
		return err
	}
	if cfg.Options.CUDA = device.cuda; cuda && device.cuda == nil {
		absent, err := device.on(0) // its programs, without one
		if err != nil {
			return err
		}
		cfg.Options.CUDA = &absent
	}
	spec, err := cfg.Spec(m.Image).Learn()
	if err != nil {
		return terminal.Usage(err)
	}
	var rows []retrainRow
	for _, emit := range []emitter{graphgen.Spec.WeightStep, graphgen.Spec.Evaluate} {
		p, err := emit(spec)
		if err != nil {
			return terminal.Usage(err)
		}
		r := plan.Of(p.Graph)
		rows = append(rows, retrainRow{Program: p.Name, Nodes: len(p.Graph.Nodes), Live: r.Peak,
			Peak: r.Total(), program: p})
		m.Weights = p.Weights.Len()
	}
	by := meter.Bench{Options: ort.Options{Threads: c.Int("threads"), CUDA: device.cuda}, GPU: device.gpu}
	if c.Bool("measure") {
		if err := measureRetraining(c.Context, by, p, rows); err != nil {
			return err
		}
	}
	return m.print(p, rows, c.Bool("measure"), by.GpuHeader())
}

// retrainMemoryFlags reads the command line; the network is the paper's unless flags say otherwise.
func retrainMemoryFlags(c *cli.Context) (m retrainMemory, cfg retrain.Config, err error) {
	err = goesWith(c, "retrain", "batch", "channels", "cells", "image-size", "measure", "threads",
		"device", "precision")
	if err != nil {
		return m, cfg, err
	}
	cfg = retrain.Paper()
	m = retrainMemory{Batch: c.Int("batch"), Channels: cfg.Net.Channels, Cells: cfg.Net.Cells,
		Image: c.Int("image-size"), Device: c.String("device"), Precision: c.String("precision")}
	takeInts(c, map[string]*int{"channels": &m.Channels, "cells": &m.Cells})
	if n := c.Int("threads"); n < 0 {
		return m, cfg, terminal.Usagef("--threads must be at least 0, got %d", n)
	}
	if m.Genotype, err = findGenotype(c.String("retrain")); err != nil {
		return m, cfg, err
	}
	m.Auxiliary = m.Image >= network.AuxiliaryImage
	cfg.Net.Genotype, cfg.Net.Channels, cfg.Net.Cells = m.Genotype, m.Channels, m.Cells
	cfg.Net.Classes, cfg.Net.Auxiliary, cfg.Batch = benchClasses, m.Auxiliary, m.Batch
	if err := cfg.Validate(); err != nil {
		return m, cfg, terminal.Usage(err)
	}
	if m.Image < 4 || m.Image%4 != 0 {
		return m, cfg, terminal.Usagef("--image-size must be a multiple of 4, got %d", m.Image)
	}
	return m, cfg, nil
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

func (m retrainMemory) print(p *terminal.Console, rows []retrainRow, measured bool, gpu []string) error {
	head := "without auxiliary head"
	if m.Auxiliary {
		head = "with auxiliary head"
	}
	p.Result("memory in MB (10^6 bytes): %d cells, %d channels, batch %d, %dx%d images, drop-path, %s, "+
		"%d parameters", m.Cells, m.Channels, m.Batch, m.Image, m.Image, head, m.Weights)
	header := []string{"program", "nodes", "peak", "per image", "live bytes"}
	if measured {
		header = append(append(header, "measured", "difference", "process so far", "seconds"), gpu...)
	}
	var cells [][]string
	for _, r := range rows {
		row := []string{r.Program, fmt.Sprint(r.Nodes), terminal.MB(r.Peak), terminal.MB(r.Peak / m.Batch),
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
	return p.Value(map[string]any{"config": m, "rows": rows})
}
