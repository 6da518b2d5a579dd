package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"zos-ort/models/file"

	"zos-ort/cmd/internal/report"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/terminal"
)

func reportCommand() *cli.Command {
	return &cli.Command{
		Name:      "report",
		Usage:     "draw runs as one HTML page that needs no network",
		ArgsUsage: "RUN...",
		Description: "Every command that writes a run directory draws it as report.html, after every epoch and at its end. " +
			"This command draws it again, also for runs of earlier versions, and several runs side by side in one page.",
		Flags: append([]cli.Flag{&cli.StringFlag{Name: "out",
			DefaultText: "report.html in the folder of the run, of several in this folder", Usage: "`FILE` of the page"}},
			settings.Report()...),
		Action: reportAction,
	}
}

func reportAction(c *cli.Context) error {
	if c.NArg() == 0 {
		return terminal.Usagef("report needs one or more run directories, after its flags")
	}
	dirs := c.Args().Slice()
	out := c.String("out")
	if out == "" && len(dirs) == 1 {
		out = filepath.Join(dirs[0], report.FileName)
	} else if out == "" {
		out = report.FileName
	}
	if err := mayReplace(out); err != nil {
		return err
	}
	page, err := report.Page(dirs, report.Options{Elsewhere: !sameFolder(filepath.Dir(out), dirs)})
	if err != nil {
		return err
	}
	if err := file.Write(out, page, 0o644); err != nil {
		return fmt.Errorf("save %s: %w", out, err)
	}
	p := newConsole(c)
	p.Result("written to %s", out)
	return p.Value(map[string]any{"report": out, "runs": dirs, "bytes": len(page)})
}

// sameFolder says whether the page lies in the folder of its only run, whose files it can link to.
func sameFolder(folder string, dirs []string) bool {
	a, err := os.Stat(folder)
	if err != nil || len(dirs) != 1 {
		return false
	}
	b, err := os.Stat(dirs[0])
	return err == nil && os.SameFile(a, b)
}

// mayReplace refuses to write over a file that is no page of ours.
func mayReplace(path string) error {
	b, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
			return fmt.Errorf("--out %s: there is no folder %s", path, filepath.Dir(path))
		}
		return nil
	case err != nil:
		return fmt.Errorf("--out: %w", err)
	case !bytes.Contains(b, []byte(report.Mark)):
		return fmt.Errorf("%s exists and is no page of zos-ort report: choose another --out", path)
	}
	return nil
}
