package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"zos-ort/ort"
)

// deviceSettings say where a run computes, and how exactly.
type deviceSettings struct {
	Device    string `json:"device"`
	Precision string `json:"precision"`

	cuda *ort.CUDA // set by open; nil on the CPU
}

// Values of --device and --precision.
const (
	onCPU  = "cpu"
	onCUDA = "cuda"
	onAny  = "auto"
	fp32   = "fp32"
	tf32   = "tf32"
)

func deviceFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "device", Value: onCPU,
			Usage: "cpu, cuda, cuda:N or auto (a GPU if one can be used)"},
		&cli.StringFlag{Name: "precision", Value: fp32,
			Usage: "fp32, or on a GPU tf32: products with 10 bits of mantissa"},
	}
}

func (d *deviceSettings) fromFlags(c *cli.Context) {
	takeStrings(c, map[string]*string{"device": &d.Device, "precision": &d.Precision})
}

// check refuses what no machine has.
func (d deviceSettings) check() error {
	if _, _, err := d.parse(); err != nil {
		return err
	}
	switch d.Precision {
	case "", fp32:
	case tf32:
		if d.Device == "" || d.Device == onCPU {
			return usagef("--precision tf32 is for a GPU: --device cuda or auto")
		}
	case "bf16":
		return usagef("--precision bf16 is not available: batch norms and losses would need both types in " +
			"one graph; use fp32 or tf32")
	default:
		return usagef("unknown precision %q: use fp32 or tf32", d.Precision)
	}
	return nil
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
		return "", 0, usagef("unknown device %q: use cpu, cuda, cuda:N or auto", d.Device)
	}
	return kind, id, nil
}

// elsewhere says that the memory of this machine does not count: a GPU has its own.
func (d deviceSettings) elsewhere() bool { return strings.HasPrefix(d.Device, onCUDA) }

// open prepares the device, before the runtime is opened for anything else, and says which it is.
func (d *deviceSettings) open(p *console) error {
	kind, id, err := d.parse()
	if err != nil || kind == onCPU {
		return err
	}
	c := ort.CUDA{Device: id, TF32: d.Precision == tf32}
	s := ort.FindDevices(ort.CUDAFolders())
	if err := ort.OpenCUDA(s, c); err != nil {
		if kind == onAny {
			p.say("device: CPU (%v)", err)
			return nil
		}
		return err
	}
	d.cuda = &c
	p.say("device: GPU %d, %s, %s, %s", id, s.Devices[id].Name, gib(s.Devices[id].Bytes), d.Precision)
	return nil
}

// torch is PyTorch's name of the device that was opened.
func (d deviceSettings) torch() string {
	if d.cuda == nil {
		return onCPU
	}
	return fmt.Sprintf("%s:%d", onCUDA, d.cuda.Device)
}

// plan says whether the programs are those of a GPU; the device is opened only if they are to run.
func (d *deviceSettings) plan(runs bool, p *console) (cuda bool, err error) {
	if err := d.check(); err != nil {
		return false, err
	}
	if kind, _, _ := d.parse(); kind == onCUDA && !runs {
		return true, nil
	}
	err = d.open(p)
	return d.cuda != nil, err
}

func gib(bytes int64) string { return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30)) }

// memoryError is err or, where the GPU's memory did not suffice, one line with what was predicted,
// what there is, and the batch that fits.
func memoryError(err error, s ort.PoolStats, predicted int, flag string, fits int) error {
	if err == nil || s.Refused == 0 {
		return err
	}
	advice := "no batch fits"
	if fits > 0 {
		advice = fmt.Sprintf("%s %d fits", flag, fits)
	}
	there := s.Available + s.Reserved
	return fmt.Errorf("out of GPU memory: %d bytes (%s) are predicted, %d bytes (%s) are available; %s",
		predicted, gib(int64(predicted)), there, gib(there), advice)
}

// explain completes the error of a search or pruning that ran out of GPU memory.
func (cfg *config) explain(err error, m method) error {
	if err == nil || cfg.cuda == nil {
		return err
	}
	s, failed := ort.Pool()
	if failed != nil || s.Refused == 0 {
		return err
	}
	mem := memoryConfig{Batch: cfg.Batch, Channels: cfg.Channels, Cells: cfg.Cells, Image: cfg.ImageSize,
		Passes: passesAll, Xi: cfg.Xi, Masks: 1, Seed: cfg.Seed, cuda: true}
	flag := "--batch"
	if !m.searches() {
		mem.Batch, flag = cfg.PruneBatch, "--prune-batch"
	}
	row, failed := mem.predict(m)
	if failed != nil {
		return err
	}
	fits, failed := mem.largestBatch(m, int(s.Available+s.Reserved))
	if failed != nil {
		return err
	}
	return memoryError(err, s, row.Peak, flag, fits)
}
