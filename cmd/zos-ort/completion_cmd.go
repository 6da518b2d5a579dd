package main

import (
	"embed"
	"io"
	"slices"
	"strings"
	"text/template"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/method"
)

// completionScripts holds one template for each shell. The scripts list all commands and flags, so a shell
// completes a word without starting the program.
//
//go:embed completion
var completionScripts embed.FS

var shells = []string{"bash", "zsh", "fish"}

func completionCommand() *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Usage:     "print the completion script of a shell",
		ArgsUsage: "bash|zsh|fish",
		Description: "bash: source <(zos-ort completion bash)\n" +
			"zsh:  source <(zos-ort completion zsh)\n" +
			"fish: zos-ort completion fish | source",
		Action: completionAction,
	}
}

func completionAction(c *cli.Context) error {
	shell := c.Args().First()
	if c.NArg() != 1 || !slices.Contains(shells, shell) {
		return terminal.Usagef("completion takes one shell, %s, got %q", strings.Join(shells, ", "),
			strings.Join(c.Args().Slice(), " "))
	}
	t, err := template.New("").Funcs(template.FuncMap{"quote": quote, "describe": describe, "words": words}).
		ParseFS(completionScripts, "completion/"+shell)
	if err != nil {
		return err
	}
	return t.ExecuteTemplate(c.App.Writer, shell, completions(c.App))
}

// completion describes a command to the templates.
type completion struct {
	Name, Usage string
	Words       []string // what its arguments can be; files where it is empty
	Flags       []completionFlag
}

type completionFlag struct {
	Name, Usage string
	Value       bool     // the next word is its value
	Choices     []string // what the value can be; a file where it is empty
}

func completions(app *cli.App) (list []completion) {
	for _, cmd := range app.VisibleCommands() {
		entry := completion{Name: cmd.Name, Usage: terminal.OneLine(cmd.Usage)}
		switch cmd.Name {
		case "completion":
			entry.Words = shells
		case "help":
			for _, other := range app.VisibleCommands() {
				entry.Words = append(entry.Words, other.Name)
			}
		}
		for _, f := range cmd.VisibleFlags() {
			if d, ok := f.(cli.DocGenerationFlag); ok && !slices.Contains(f.Names(), "help") {
				entry.Flags = append(entry.Flags, completeFlag(f.Names()[0], d))
			}
		}
		list = append(list, entry)
	}
	return list
}

// completeFlag describes a flag by the first line of its usage.
func completeFlag(name string, f cli.DocGenerationFlag) completionFlag {
	first, _, _ := strings.Cut(f.GetUsage(), "\n")
	flag := completionFlag{Name: name, Value: f.TakesValue(),
		Usage: terminal.OneLine(strings.ReplaceAll(first, "`", ""))}
	if name == "method" {
		flag.Choices = methodNames()
	}
	return flag
}

func manCommand() *cli.Command {
	return &cli.Command{
		Name:   "man",
		Usage:  "print the manual page: zos-ort man | man -l -",
		Before: noArguments,
		Action: func(c *cli.Context) error {
			page, err := c.App.ToManWithSection(1)
			if err == nil {
				_, err = io.WriteString(c.App.Writer, page)
			}
			return err
		},
	}
}

func methodNames() (names []string) {
	for _, m := range method.All {
		names = append(names, m.Name)
	}
	return names
}

func words(list []string) string { return strings.Join(list, " ") }

// quote makes one word of a text. bash, zsh and fish read it alike.
func quote(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// describe escapes the characters that have a meaning in the descriptions of zsh.
func describe(text string) string {
	return strings.NewReplacer(`\`, `\\`, ":", `\:`, "[", `\[`, "]", `\]`).Replace(text)
}
