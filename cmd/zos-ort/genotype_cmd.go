package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"zos-ort/models/file"

	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/space"
)

func genotypeCommand() *cli.Command {
	var forms []string
	for _, f := range space.Forms {
		forms = append(forms, f.Name+" ("+f.Help+")")
	}
	return &cli.Command{
		Name:      "genotype",
		Usage:     "read a genotype in any form and write it in another",
		ArgsUsage: "FILE",
		Description: "Reads the forms that it writes, and the Python text anywhere in a file: in a log, whose last genotype " +
			"counts, or in a whole genotypes.py, of which --name chooses. A published name such as DARTS_V2 stands for a file.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "to", Value: "json", Usage: "`FORM` to write: " + strings.Join(forms, ", ")},
			&cli.StringFlag{Name: "name", Usage: "take the genotype of this `NAME` in the file"},
			&cli.StringFlag{Name: "out", DefaultText: "standard output", Usage: "`FILE` to write"},
		},
		Action: genotypeAction,
	}
}

func genotypeAction(c *cli.Context) error {
	if c.NArg() != 1 {
		return terminal.Usagef("genotype takes one file, after its flags, got %d", c.NArg())
	}
	path := c.Args().First()
	var g space.Genotype
	var err error
	if name := c.String("name"); name != "" {
		g, err = space.DARTS.ReadGenotype(path, name)
	} else {
		g, err = settings.FindGenotype(path)
	}
	if err != nil {
		return err
	}
	text, err := g.Write(c.String("to"))
	if err != nil {
		return terminal.Usage(err) // the genotype is valid: the form is not
	}
	if out := c.String("out"); out != "" {
		if err := file.Write(out, []byte(text), 0o644); err != nil {
			return fmt.Errorf("save %s: %w", out, err)
		}
		return nil
	}
	_, err = fmt.Fprint(c.App.Writer, text)
	return err
}
