package settings

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"zos-ort/cmd/internal/terminal"
)

// Device says where a run computes, and how exactly.
type Device struct {
	Name      string `json:"name"` // cpu, cuda, cuda:N or auto
	Precision string `json:"precision"`
	Threads   int    `json:"threads"`

	// GPU says that the programs are for a GPU. The name decides, except for auto, where whoever opens
	// the device does.
	GPU bool `json:"-"`
}

// Values of --device and --precision.
const (
	CPU  = "cpu"
	CUDA = "cuda"
	Auto = "auto"
	FP32 = "fp32"
	TF32 = "tf32"
	BF16 = "bf16"
)

// Values of --gpu-kernels.
const (
	StockKernels = "stock"
	OwnKernels   = "own"
)

// Values of --cuda-graphs.
const (
	GraphsOff = "off"
	GraphsOn  = "on"
)

// Parse splits the name of the device into its kind and, for cuda:N, the number.
func (d Device) Parse() (kind string, id int, err error) {
	kind, number, numbered := strings.Cut(d.Name, ":")
	if numbered {
		id, err = strconv.Atoi(number)
	}
	if err != nil || id < 0 || (numbered && kind != CUDA) || (kind != CPU && kind != CUDA && kind != Auto) {
		return "", 0, terminal.Usagef("unknown device %q: use cpu, cuda, cuda:N or auto", d.Name)
	}
	return kind, id, nil
}

// Numbered reports whether the name says which GPU.
func (d Device) Numbered() bool { return strings.Contains(d.Name, ":") }

// Graphs reports whether the steps run as CUDA graphs.
func (e Experiment) Graphs() bool { return e.Device.GPU && e.Execution.CUDAGraphs == GraphsOn }

// SetGPU sets GPU as far as the name decides it.
func (d *Device) SetGPU() error {
	kind, _, err := d.Parse()
	d.GPU = kind == CUDA
	return err
}

// checkWord refuses a flag that has none of the words, two at least, and is not empty.
func checkWord(flag, word string, words ...string) error {
	if word == "" || slices.Contains(words, word) {
		return nil
	}
	last := len(words) - 1
	return terminal.Usagef("unknown --%s %q: use %s or %s", flag, word, strings.Join(words[:last], ", "), words[last])
}

// checkDevice refuses settings that no machine has.
func (e Experiment) checkDevice() error {
	d := e.Device
	if _, _, err := d.Parse(); err != nil {
		return err
	}
	if d.Threads < 1 {
		return terminal.Usagef("--threads must be at least 1, got %d", d.Threads)
	}
	if _, err := e.Execution.LimitBytes(); err != nil {
		return err
	}
	if err := cmp.Or(checkWord("cudnn-search", e.Execution.CuDNNSearch, "exhaustive", "heuristic", "default"),
		checkWord("gpu-kernels", e.Execution.GPUKernels, StockKernels, OwnKernels),
		checkWord("cuda-graphs", e.Execution.CUDAGraphs, GraphsOn, GraphsOff)); err != nil {
		return err
	}
	if d.Name == CPU {
		for flag, value := range map[string]string{"cudnn-search": e.Execution.CuDNNSearch,
			"gpu-memory-limit": e.Execution.MemoryLimit, "gpu-kernels": e.Execution.GPUKernels,
			"cuda-graphs": e.Execution.CUDAGraphs} {
			if value != "" {
				return terminal.Usagef("--%s is for a GPU: --device cuda or auto", flag)
			}
		}
	}
	switch d.Precision {
	case FP32:
	case TF32, BF16:
		if d.Name == CPU {
			return terminal.Usagef("--precision %s is for a GPU: --device cuda or auto", d.Precision)
		}
	default:
		return terminal.Usagef("unknown precision %q: use fp32, tf32 or bf16", d.Precision)
	}
	return nil
}

// LimitBytes reads --gpu-memory-limit; 0 without it.
func (x Execution) LimitBytes() (int64, error) {
	if x.MemoryLimit == "" {
		return 0, nil
	}
	bytes, err := terminal.ParseSize(x.MemoryLimit)
	if err != nil {
		return 0, terminal.Usagef("--gpu-memory-limit: %w", err)
	}
	return int64(bytes), nil
}
