package dataparallel

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"zos-ort/cmd/internal/terminal"
)

// Launcher starts ranks: words before the number of them, such as mpirun -n.
type Launcher []string

// Here is the launcher that starts all ranks on this machine.
const Here = "mpirun -n"

// here says whether all ranks are on this machine.
func (l Launcher) here() bool { return strings.Join(l, " ") == Here }

// freely are variables of Open MPI 4 and 5 that let more ranks share this machine than it has cores, and every rank use all of
// them.
var freely = []string{"OMPI_MCA_rmaps_base_oversubscribe=true", "OMPI_MCA_hwloc_base_binding_policy=none",
	"PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe", "PRTE_MCA_hwloc_default_binding_policy=none"}

// FindLauncher reads words, the first of which is a program.
func FindLauncher(words string) (Launcher, error) {
	l := Launcher(strings.Fields(words))
	if len(l) == 0 {
		return nil, terminal.Usagef("--launcher is empty: it takes words such as mpirun -n")
	}
	if _, err := exec.LookPath(l[0]); err != nil {
		return nil, &terminal.Hinted{Text: fmt.Sprintf("--launcher: there is no program %s", l[0]),
			Hint: "Debian's Open MPI is the package openmpi-bin"}
	}
	return l, nil
}

// sample runs this program with arguments as n ranks, the first of which prints a Sample.
func (l Launcher) sample(ctx context.Context, n int, arguments []string) (m Sample, err error) {
	self, err := os.Executable()
	if err != nil {
		return m, err
	}
	words := slices.Concat([]string{self}, arguments)
	if n > 1 {
		words = slices.Concat(l, []string{strconv.Itoa(n)}, words)
	}
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	if l.here() {
		cmd.Env = append(os.Environ(), freely...)
	}
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // interrupts may be ignored
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return m, ctx.Err()
		}
		// The status of the launcher is not that of this program, so its error is not wrapped.
		return m, fmt.Errorf("%s: %v: %s", terminal.Count(n, "rank"), err, cmp.Or(firstWords(said.String()), "it said nothing"))
	}
	if err := json.Unmarshal(out.Bytes(), &m); err != nil {
		return m, fmt.Errorf("%s: unreadable result %q: %w", terminal.Count(n, "rank"), firstWords(out.String()), err)
	}
	if m.Ranks != n {
		return m, fmt.Errorf("%s has started %d processes that are %s: it is no launcher of the MPI that the program has loaded",
			strings.Join(l, " "), n, terminal.Count(m.Ranks, "rank"))
	}
	return m, nil
}

// firstWords is what a failed command said, as one short line.
func firstWords(text string) string {
	const most = 300
	line := strings.Join(strings.Fields(text), " ")
	if len(line) > most {
		line = line[:most] + " ..."
	}
	return line
}
