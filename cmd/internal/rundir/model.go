package rundir

import (
	"fmt"
	"os"
	"path/filepath"
)

// Models of a run: trained by a retraining, and exported by a search with fresh weights.
const (
	trainedModel   = "model.onnx"
	untrainedModel = "network.onnx"
)

// ModelFile is the file that a path names: itself or, of a run's folder, the model in it. Where it need not be trained
// a search has one too.
func ModelFile(path string, untrained bool) (string, error) {
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		return path, nil // whoever opens it says what is wrong
	}
	trained, fresh := filepath.Join(path, trainedModel), filepath.Join(path, untrainedModel)
	switch {
	case Exists(trained):
		return trained, nil
	case Exists(fresh) && untrained:
		return fresh, nil
	case Exists(fresh):
		return "", fmt.Errorf("the folder %s holds no %s: its %s is of a search and not trained; zos-ort retrain --genotype %s trains it",
			path, trainedModel, untrainedModel, path)
	}
	return "", fmt.Errorf("the folder %s holds no %s: it is no run of zos-ort retrain that has ended", path, trainedModel)
}
