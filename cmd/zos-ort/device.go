package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/terminal"
	"zos-ort/ort"
	"zos-ort/ort/meter"
)

// deviceSettings say where a run computes, and how exactly.
type deviceSettings struct {
	Device    string `json:"device"`
	Precision string `json:"precision"`

	// No part of the settings, for they change no result but in its last bits, as every run on a GPU does.
	limit  string // of the GPU's memory
	search string // for algorithms

	cuda *ort.CUDA    // whose programs they are; nil on the CPU
	gpu  *meter.Meter // of a GPU that is open
}

// Values of --device and --precision.
const (
	onCPU  = "cpu"
	onCUDA = "cuda"
	onAny  = "auto"
	fp32   = "fp32"
	tf32   = "tf32"
	bf16   = "bf16"
)

func deviceFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "device", Value: onCPU,
			Usage: "cpu, cuda, cuda:N or auto (a GPU if one can be used)"},
		&cli.StringFlag{Name: "precision", Value: fp32,
			Usage: "fp32, or on a GPU tf32 (products with 10 bits of mantissa) or bf16 (activations in half " +
				"the memory)"},
		&cli.StringFlag{Name: "gpu-memory-limit", DefaultText: "all that is free",
			Usage: "take at most `SIZE` of the GPU's memory, such as 8GB"},
		&cli.StringFlag{Name: "cudnn-search", DefaultText: "exhaustive", Usage: "how a GPU's algorithms for " +
			"convolutions are found: exhaustive (all are tried once), heuristic or default"},
	}
}

func (d *deviceSettings) fromFlags(c *cli.Context) {
	takeStrings(c, map[string]*string{"device": &d.Device, "precision": &d.Precision,
		"gpu-memory-limit": &d.limit, "cudnn-search": &d.search})
}

// check refuses what no machine has.
func (d deviceSettings) check() error {
	if _, _, err := d.parse(); err != nil {
		return err
	}
	if _, err := d.limitBytes(); err != nil {
		return err
	}
	if _, known := searches[d.search]; !known {
		return terminal.Usagef("unknown --cudnn-search %q: use exhaustive, heuristic or default", d.search)
	}
	if d.search != "" && (d.Device == "" || d.Device == onCPU) {
		return terminal.Usagef("--cudnn-search is for a GPU: --device cuda or auto")
	}
	switch d.Precision {
	case "", fp32:
	case tf32, bf16:
		if d.Device == "" || d.Device == onCPU {
			return terminal.Usagef("--precision %s is for a GPU: --device cuda or auto", d.Precision)
		}
	default:
		return terminal.Usagef("unknown precision %q: use fp32, tf32 or bf16", d.Precision)
	}
	return nil
}

// searches are the values of --cudnn-search.
var searches = map[string]ort.AlgorithmSearch{"": "", "exhaustive": ort.Exhaustive,
	"heuristic": ort.Heuristic, "default": ort.NoSearch}

// limitBytes reads --gpu-memory-limit; 0 without it.
func (d deviceSettings) limitBytes() (int64, error) {
	if d.limit == "" {
		return 0, nil
	}
	if d.Device == "" || d.Device == onCPU {
		return 0, terminal.Usagef("--gpu-memory-limit is for a GPU: --device cuda or auto")
	}
	bytes, err := terminal.ParseSize(d.limit)
	if err != nil {
		return 0, terminal.Usagef("--gpu-memory-limit: %w", err)
	}
	return int64(bytes), nil
}

// parse reads the name of a device. Run directories of before there were devices name none.
func (d deviceSettings) parse() (kind string, id int, err error) {
	kind, number, numbered := strings.Cut(d.Device, ":")
	if numbered {
		id, err = strconv.Atoi(number)
	}
	switch {
	case kind == "" && !numbered:
		return onCPU, 0, nil
	case err != nil || id < 0 || (numbered && kind != onCUDA) ||
		(kind != onCPU && kind != onCUDA && kind != onAny):
		return "", 0, terminal.Usagef("unknown device %q: use cpu, cuda, cuda:N or auto", d.Device)
	}
	return kind, id, nil
}

// open prepares the device, before the runtime is opened for anything else, and says which it is; close
// it.
func (d *deviceSettings) open(p *terminal.Console) error {
	kind, id, err := d.parse()
	if err != nil || kind == onCPU {
		return err
	}
	c, err := d.on(id)
	if err != nil {
		return err
	}
	s := ort.FindDevices(ort.CUDAFolders())
	if err := ort.OpenCUDA(s, c); err != nil {
		if kind == onAny {
			p.Say("device: CPU (%v)", err)
			if d.Precision == tf32 || d.Precision == bf16 {
				p.Say("precision: fp32 on the CPU, not %s", d.Precision)
			}
			return nil
		}
		return err
	}
	d.cuda = &c
	p.Say("device: GPU %d, %s, %s, %s", id, s.Devices[id].Name, terminal.GiB(s.Devices[id].Bytes), d.Precision)
	var limited error
	if d.gpu, limited = meter.Open(s.Devices[id]); limited != nil {
		p.Say("GPU memory: that of the pool alone is counted (%v)", limited)
	}
	return nil
}

func (d *deviceSettings) close() { d.gpu.Close() }

// reach opens the device of a run. A dry run goes without a GPU that cannot be used: what it needs is
// known all the same.
func (d *deviceSettings) reach(dry bool, p *terminal.Console) error {
	err := d.open(p)
	if err == nil || !dry {
		return err
	}
	c, failed := d.on(0)
	if failed != nil {
		return failed
	}
	p.Say("device: a GPU that is not here (%v)", err)
	d.cuda = &c
	return nil
}

// on are the settings of a GPU, whether it is there or not.
func (d deviceSettings) on(id int) (c ort.CUDA, err error) {
	c = ort.CUDA{Device: id, TF32: d.Precision == tf32, Search: searches[d.search], BFloat16: d.Precision == bf16}
	c.Limit, err = d.limitBytes()
	return c, err
}

// torch is PyTorch's name of the device that was opened.
func (d deviceSettings) torch() string {
	if d.cuda == nil {
		return onCPU
	}
	return fmt.Sprintf("%s:%d", onCUDA, d.cuda.Device)
}

// plan says whether the programs are those of a GPU; the device is opened only if they are to run.
func (d *deviceSettings) plan(runs bool, p *terminal.Console) (cuda bool, err error) {
	if err := d.check(); err != nil {
		return false, err
	}
	if kind, _, _ := d.parse(); kind == onCUDA && !runs {
		return true, nil
	}
	err = d.open(p)
	return d.cuda != nil, err
}

// printPeaks adds the peaks of a GPU to a result; nil, on the CPU, adds nothing.
func printPeaks(g *meter.Peaks, p *terminal.Console) {
	if g != nil {
		p.Result("%v", *g)
	}
}
