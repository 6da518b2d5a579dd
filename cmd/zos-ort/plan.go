package main

import (
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/terminal"
)

// sizeOptions are the settings of the commands that plan or time a supernet without reading images.
var sizeOptions = settings.Join(settings.SupernetOptions.Only("channels", "cells"),
	settings.ImageOptions.Only("image-size"), settings.PruneOptions.Only("xi"),
	settings.RunOptions.Only("seed"))

func methodsFlag(value string) cli.Flag {
	return &cli.StringFlag{Name: "methods", Value: value, Usage: "methods, separated by commas, or all"}
}

// plannedExperiment is the paper's supernet on images of CIFAR-10's size, as far as flags do not change it.
func plannedExperiment(c *cli.Context) (settings.Experiment, error) {
	e := settings.PaperOnCIFAR()
	settings.Join(sizeOptions, settings.DeviceOptions, settings.RecomputeOptions).Apply(c, "", &e)
	if e.Execution.Passes = c.String("passes"); c.IsSet("passes") && e.Execution.Passes == "" {
		return e, terminal.Usagef("--passes names nothing: use all, none or a list")
	}
	if err := e.Device.SetGPU(); err != nil {
		return e, err
	}
	return e, e.CheckPlanned()
}

func join(lists ...[]cli.Flag) []cli.Flag { return slices.Concat(lists...) }

// timeLimit is what --minutes allows.
func timeLimit(minutes float64) (time.Duration, error) {
	if !(minutes > 0 && minutes < 1e4) {
		return 0, terminal.Usagef("--minutes must be a positive number, got %v", minutes)
	}
	return time.Duration(minutes * float64(time.Minute)), nil
}

// onlyWith refuses flags that mean something together with another flag alone.
func onlyWith(c *cli.Context, flag string, names ...string) error {
	for _, name := range names {
		if c.IsSet(name) {
			return terminal.Usagef("--%s is for --%s", name, flag)
		}
	}
	return nil
}

// goesWith refuses flags that have no meaning together with a flag that changes what the command does.
func goesWith(c *cli.Context, flag string, others ...string) error {
	known := append([]string{flag, "json", "quiet"}, others...)
	for _, name := range c.LocalFlagNames() {
		if !slices.Contains(known, name) {
			return terminal.Usagef("--%s does not go with --%s; these do: %s", name, flag,
				strings.Join(others, ", "))
		}
	}
	return nil
}
