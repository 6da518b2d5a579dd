package settings

import (
	"slices"

	"github.com/urfave/cli/v2"

	"zos-ort/models/space"
)

// Option is a flag and the setting that it sets.
type Option struct {
	name, usage string
	// unset describes the default in the help; empty where the setting's own value does.
	unset string
	at    func(*Experiment) any // pointer to the setting
}

// Options are the flags that a command takes.
type Options []Option

// Only keeps the options of these names.
func (o Options) Only(names ...string) Options {
	return slices.DeleteFunc(slices.Clone(o), func(x Option) bool { return !slices.Contains(names, x.name) })
}

// Without leaves out the options of these names.
func (o Options) Without(names ...string) Options {
	return slices.DeleteFunc(slices.Clone(o), func(x Option) bool { return slices.Contains(names, x.name) })
}

// Renamed is a single option under another name.
func (o Options) Renamed(name, usage string) Options {
	x := o[0]
	x.name, x.usage = name, usage
	return Options{x}
}

// Names lists the flags.
func (o Options) Names() (list []string) {
	for _, x := range o {
		list = append(list, x.name)
	}
	return list
}

// Flags declares the options, their names behind a prefix. Where an option does not describe its default
// the help shows the value in base.
func (o Options) Flags(prefix string, base Experiment) (list []cli.Flag) {
	for _, x := range o {
		name := prefix + x.name
		switch p := x.at(&base).(type) {
		case *int:
			f := &cli.IntFlag{Name: name, Usage: x.usage, DefaultText: x.unset}
			if x.unset == "" {
				f.Value = *p
			}
			list = append(list, f)
		case *uint64:
			list = append(list, &cli.Uint64Flag{Name: name, Usage: x.usage, Value: *p})
		case *float64:
			f := &cli.Float64Flag{Name: name, Usage: x.usage, DefaultText: x.unset}
			if x.unset == "" {
				f.Value = *p
			}
			list = append(list, f)
		case *bool:
			list = append(list, &cli.BoolFlag{Name: name, Usage: x.usage})
		case *space.Ref:
			list = append(list, &cli.GenericFlag{Name: name, Usage: x.usage, Value: new(*p)})
		case *string:
			f := &cli.StringFlag{Name: name, Usage: x.usage, DefaultText: x.unset}
			if x.unset == "" {
				f.Value = *p
			}
			list = append(list, f)
		}
	}
	return list
}

// Values declares the options with the values of base as their defaults.
func (o Options) Values(base Experiment) []cli.Flag {
	o = slices.Clone(o)
	for i := range o {
		o[i].unset = ""
	}
	return o.Flags("", base)
}

// Apply overwrites the settings whose flags the command line gives.
func (o Options) Apply(c *cli.Context, prefix string, e *Experiment) {
	for _, x := range o {
		name := prefix + x.name
		if !c.IsSet(name) {
			continue
		}
		switch p := x.at(e).(type) {
		case *int:
			*p = c.Int(name)
		case *uint64:
			*p = c.Uint64(name)
		case *float64:
			*p = c.Float64(name)
		case *bool:
			*p = c.Bool(name)
		case *space.Ref:
			*p = *c.Generic(name).(*space.Ref)
		case *string:
			*p = c.String(name)
		}
	}
}

// Given reports whether the command line gives any of the options.
func (o Options) Given(c *cli.Context, prefix string) (name string, given bool) {
	for _, x := range o {
		if c.IsSet(prefix + x.name) {
			return prefix + x.name, true
		}
	}
	return "", false
}
