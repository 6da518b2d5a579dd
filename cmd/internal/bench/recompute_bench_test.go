package bench

import (
	"math"
	"testing"

	"zos-ort/cmd/internal/settings"
	"zos-ort/graphgen/check"
	"zos-ort/graphgen/pass"
	"zos-ort/ort"
	"zos-ort/ort/meter"
)

// BenchmarkRecompute runs each step with every value of --recompute by turns, on one thread, and reports
// the least processor time of each: it does not depend on what else the machine does. Their ratios are
// what recomputing costs.
func BenchmarkRecompute(b *testing.B) {
	openRuntime(b)
	levels := []pass.Recompute{pass.RecomputeOff, pass.RecomputeOn, pass.RecomputeMax}
	for _, n := range goBenches[:3] { // ours; ONNX Runtime takes minutes to plan its own
		for _, x := range timed[:2] {
			b.Run(n.name+"/"+x.name, func(b *testing.B) {
				var nets []*meter.Net
				least := make([]float64, len(levels))
				for i, level := range levels {
					c := n.open(b)
					c.Execution.Recompute = level.String()
					list := check.Must(c.Programs(settings.StageSearch, c.Mask))(b)
					net := check.Must(meter.OpenNet(list[:2], ort.Options{Threads: 1}))(b)
					defer net.Close()
					nets, least[i] = append(nets, net), math.Inf(1)
				}
				for b.Loop() {
					for i, net := range nets {
						before := processorTime(b)
						check.Must(net.Step(x.program))(b)
						least[i] = min(least[i], processorTime(b)-before)
					}
				}
				for i, level := range levels {
					b.ReportMetric(1e3*least[i], level.String()+"-ms")
				}
			})
		}
	}
}

// processorTime is what the process has used so far, in seconds.
func processorTime(b *testing.B) float64 {
	u := usage(b)
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
