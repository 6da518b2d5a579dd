package main

import (
	"errors"
	"fmt"
	"runtime"
	"strings"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/host"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/ort"
	"zos-ort/ort/nvml"
)

func doctorCommand() *cli.Command {
	return &cli.Command{
		Name:   "doctor",
		Usage:  "say what zos-ort finds on this machine",
		Flags:  []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "print as JSON"}},
		Before: noArguments,
		Action: doctorAction,
	}
}

func doctorAction(c *cli.Context) error {
	p := newConsole(c)
	info, err := ort.Describe()
	training := "no"
	if info.Training {
		training = fmt.Sprintf("yes, API %d", info.APIVersion)
	}
	memory := "unknown"
	if free, ok := host.FreeMemory(); ok {
		memory = fmt.Sprintf("%.1f GiB", float64(free)/(1<<30))
	}
	rows := [][]string{
		{"zos-ort", settings.Program + ", " + runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH},
		{"ONNX Runtime", terminal.OrDash(info.Version)},
		{"library", terminal.OrDash(info.Path)},
		{"training API", training},
		{"providers", terminal.OrDash(strings.Join(info.Providers, ", "))},
		{"cache", ort.CacheDir()},
		{"threads", fmt.Sprint(host.Processors())},
		{"free memory", memory},
	}
	cuda := ort.FindDevices(ort.CUDAFolders())
	rows = append(rows, cudaRows(cuda)...)
	if cuda.Runtime != "" { // who fetched the build for CUDA wants to use it
		err = errors.Join(err, cuda.Err)
	}
	if p.JSON() {
		m := map[string]string{}
		for _, r := range rows {
			m[r[0]] = r[1]
		}
		return errors.Join(p.Value(m), err)
	}
	return errors.Join(p.Table([]string{"item", "found"}, rows), err)
}

// cudaRows reports the CUDA libraries found, and how to install the missing ones.
func cudaRows(s ort.CUDAStatus) [][]string {
	runtime := s.Runtime
	if runtime == "" {
		runtime = "not set up: make setup-cuda"
	}
	rows := [][]string{{"CUDA build", runtime}}
	for _, l := range s.Libraries {
		found := l.Path
		if found == "" {
			found = "missing: " + l.From
		}
		rows = append(rows, []string{l.Name, found})
	}
	for i, d := range s.Devices {
		rows = append(rows, []string{fmt.Sprintf("GPU %d", i), d.Name + ", " + gpuState(d)})
	}
	usable := "yes"
	if s.Err != nil {
		usable = "no: " + s.Err.Error()
	}
	return append(rows, []string{"CUDA", usable})
}

// gpuState is what NVML says of a GPU, or its size.
func gpuState(d ort.CUDADevice) string {
	device, err := nvml.Open(ort.CUDAFolders(), d.UUID)
	if err != nil {
		return fmt.Sprintf("%s (%v)", terminal.GiB(d.Bytes), err)
	}
	u, err := device.Usage()
	if err != nil {
		return fmt.Sprintf("%s (%v)", terminal.GiB(d.Bytes), err)
	}
	text := fmt.Sprintf("%s, %s free, driver %s", terminal.GiB(u.Total), terminal.GiB(u.Free()), device.Driver)
	if u.Busy > 0 {
		text += fmt.Sprintf(", %d %% busy", u.Busy)
	}
	return text
}
