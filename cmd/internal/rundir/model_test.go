package rundir

import (
	"path/filepath"
	"testing"

	"zos-ort/graphgen/check"
)

// TestModelFile: a run stands for its model, trained before untrained.
func TestModelFile(t *testing.T) {
	dir := Dir(t.TempDir())
	for _, file := range []string{dir.Path("a.onnx"), filepath.Join(string(dir), "none")} {
		if got := check.Must(ModelFile(file, false))(t); got != file {
			t.Errorf("%s became %s", file, got)
		}
	}
	_, err := ModelFile(string(dir), true)
	check.Error(t, err, "holds no model.onnx", "no run of zos-ort retrain")
	for _, file := range []string{"network.onnx", "model.onnx"} {
		if err := dir.Write(file, nil); err != nil {
			t.Fatal(err)
		}
		if got := check.Must(ModelFile(string(dir), true))(t); got != dir.Path(file) {
			t.Errorf("got %s, want %s", got, file)
		}
		if file == "network.onnx" {
			_, err := ModelFile(string(dir), false)
			check.Error(t, err, "not trained", "retrain --genotype "+string(dir))
		}
	}
	if got := check.Must(ModelFile(string(dir), false))(t); got != dir.Path("model.onnx") {
		t.Errorf("got %s", got)
	}
}
