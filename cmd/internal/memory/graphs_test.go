package memory

import (
	"testing"

	"zos-ort/cmd/internal/settings"
	"zos-ort/graphgen/check"
	"zos-ort/graphgen/plan"
	"zos-ort/models/method"
)

// As CUDA graphs, the programs of a search keep their inputs and outputs beside the peak of the largest: here images
// and labels of the alpha step, images of the evaluation, the mixing weights of both with their gradients, and the
// results.
func TestGraphsKeepTheirPorts(t *testing.T) {
	const batch, image, classes = 8, 8, 10
	e := small(batch).With(check.Must(method.Find("darts-rnd"))(t))
	e.Device.GPU, e.Images.Size = true, image
	mask := check.Must(e.LikelyMask())(t)
	plain := check.Must(Peak(e, settings.StageSearch, mask))(t)
	e.Execution.CUDAGraphs = settings.GraphsOn
	graphs := check.Must(Peak(e, settings.StageSearch, mask))(t)

	images := 4 * batch * 3 * image * image
	alpha := images + 4*plan.Alignment /* labels, reset, loss, correct */ + 2*plan.Alignment /* flags of the statistics */
	weights := 4 * plan.Alignment                                                            // of two kinds of cells, and their gradients
	logits := plan.Alignment /* reset */ + plan.Rounded(4*batch*classes)
	t.Logf("%d bytes without graphs, %d with", plain, graphs)
	if want := alpha + weights + images + weights/2 + logits; graphs-plain != want {
		t.Errorf("graphs keep %d bytes, want %d", graphs-plain, want)
	}
	e.Device.GPU = false
	if cpu := check.Must(Peak(e, settings.StageSearch, mask))(t); cpu > plain+plain/2 {
		t.Errorf("on the CPU %d", cpu)
	}
}
