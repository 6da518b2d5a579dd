package main

import (
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/terminal"
)

// askForCompletion is the last argument of a command line that a shell wants to complete.
const askForCompletion = "--generate-bash-completion"

const bashCompletion = `# Load with: source <(zos-ort completion bash)
_zos_ort() {
  local current=${COMP_WORDS[COMP_CWORD]} words
  case $current in
    -*) words=$("${COMP_WORDS[@]:0:COMP_CWORD}" "$current" --generate-bash-completion 2>/dev/null) ;;
    *) words=$("${COMP_WORDS[@]:0:COMP_CWORD}" --generate-bash-completion 2>/dev/null) ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o bashdefault -o default -F _zos_ort zos-ort
`

const zshCompletion = `#compdef zos-ort
# Load with: source <(zos-ort completion zsh)
_zos_ort() {
  local -a replies
  local last=$((CURRENT - 1))
  [[ ${words[CURRENT]} == -* ]] && last=$CURRENT
  replies=("${(@f)$(${words[1,last]} --generate-bash-completion 2>/dev/null)}")
  _describe 'zos-ort' replies || _files
}
compdef _zos_ort zos-ort
`

func completionCommand() *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Usage:     "print a completion script for bash, zsh or fish",
		ArgsUsage: "bash|zsh|fish",
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return terminal.Usagef("completion takes one shell, bash, zsh or fish, got %d", c.NArg())
			}
			var text string
			var err error
			switch shell := c.Args().First(); shell {
			case "bash":
				text = bashCompletion
			case "zsh":
				text = zshCompletion
			case "fish":
				text, err = c.App.ToFishCompletion()
			default:
				return terminal.Usagef("unknown shell %q: use bash, zsh or fish", shell)
			}
			if err == nil {
				_, err = fmt.Fprint(c.App.Writer, text)
			}
			return err
		},
	}
}

func manCommand() *cli.Command {
	return &cli.Command{
		Name:   "man",
		Usage:  "print the manual page: zos-ort man | man -l -",
		Before: noArguments,
		Action: func(c *cli.Context) error {
			page, err := c.App.ToMan()
			if err == nil {
				_, err = fmt.Fprint(c.App.Writer, page)
			}
			return err
		},
	}
}

// completing reports whether a shell asks for completions.
func completing(args []string) bool { return slices.Contains(args[1:], askForCompletion) }
