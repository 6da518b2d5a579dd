package bench

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"testing"

	"zos-ort/cmd/internal/device"
	"zos-ort/cmd/internal/host"
	"zos-ort/cmd/internal/settings"
	"zos-ort/graphgen/check"
	"zos-ort/graphgen/plan"
	"zos-ort/ort"
	"zos-ort/ort/meter"
	"zos-ort/ort/program"
)

// overhead is what a process may take beside the predicted peak: the runtime, sessions, graphs, files. They took 197 MB on
// 2026-11-29, and 239 with an arena of ONNX Runtime instead of our pool.
const overhead = 215 << 20

// The steps of a search of the paper's size take little more than predicted, in a process of their own,
// because the largest resident size of a process never falls.
func TestResidentMemory(t *testing.T) {
	const child = "ZOS_RESIDENT_CHILD"
	if testing.Short() {
		t.Skip("makes steps of the paper's size")
	}
	openRuntime(t)
	if os.Getenv(child) != "" {
		resident, predicted := residentMemory(t)
		fmt.Printf("resident %d predicted %d\n", resident, predicted)
		return
	}
	if host.PeakRSS() == 0 {
		t.Skip("this system does not say how much memory a process takes")
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^TestResidentMemory$")
	cmd.Env = append(os.Environ(), child+"=1")
	out, err := cmd.CombinedOutput()
	var resident, predicted int
	if _, scanned := fmt.Sscanf(string(out), "resident %d predicted %d", &resident, &predicted); err != nil || scanned != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%d MB resident, %d MB predicted", resident/1e6, predicted/1e6)
	if resident-predicted > overhead {
		t.Errorf("%d bytes resident, %d predicted: want at most %d more", resident, predicted, overhead)
	}
}

// residentMemory measures the memory of each program of a search and makes two steps of it, as a run does.
func residentMemory(t *testing.T) (resident, predicted int) {
	t.Helper()
	c := goBench{method: "pc-darts", passes: settings.PassesAll}.open(t)
	c.Search.Batch, c.Device.Threads = 64, 1
	list := check.Must(c.Programs(settings.StageSearch, c.Mask))(t)
	d := new(device.Device)
	defer d.Close()
	if err := d.OpenArena(); err != nil {
		t.Fatal(err)
	}
	err := d.WithoutArena(func() error {
		for _, p := range list {
			if _, err := meter.Curve(t.Context(), p, d.Options(c.Experiment)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	first := list[0]
	net := check.Must(program.NewNet(program.Shape{Weights: first.Weights, Stats: first.Stats},
		program.Vectors{Weights: meter.Noise(first)}, d.Options(c.Experiment)))(t)
	defer net.Close()
	var runners []*program.Runner
	for _, p := range list {
		r := check.Must(net.Open(p))(t)
		defer r.Close()
		meter.Feed(r)
		runners = append(runners, r)
		predicted = max(predicted, plan.Of(p.Graph).Total())
	}
	net.Trim()
	for _, r := range slices.Repeat(runners, 2) {
		if err := r.Run(); err != nil {
			t.Fatal(err)
		}
	}
	if s := ort.HostPool(); s.Resident > s.Peak+s.Peak/10+8<<20 || int(s.Peak) > predicted {
		t.Errorf("the pool has %d bytes for %d in use at once, %d predicted", s.Resident, s.Peak, predicted)
	}
	return int(host.PeakRSS()), predicted
}
