package program

import (
	"fmt"
	"io"
	"os"

	"zos-ort/models/file"

	"zos-ort/graphgen/port"
	"zos-ort/ort"
)

// WriteState writes the state as an ONNX Runtime checkpoint. The same state gives the same bytes,
// which the runtime's own writer does not promise.
func (n *Net) WriteState(w io.Writer) error {
	_, err := n.state.WriteTo(w)
	return err
}

// Save writes the state as an ONNX Runtime checkpoint file. The file appears whole or not at all.
func (n *Net) Save(path string) error {
	f, err := file.Create(path)
	if err != nil {
		return fmt.Errorf("save state: %w", err)
	}
	defer f.Cleanup()
	if err := n.WriteState(f); err != nil {
		return fmt.Errorf("save state %s: %w", path, err)
	}
	if err := f.CloseAtomicallyReplace(); err != nil {
		return fmt.Errorf("save state %s: %w", path, err)
	}
	return nil
}

// ReadVectors reads the state vectors of a checkpoint file. It needs no runtime.
func ReadVectors(path string) (v Vectors, err error) {
	f, err := os.Open(path)
	if err != nil {
		return v, fmt.Errorf("read state: %w", err)
	}
	defer f.Close()
	params, err := ort.ReadCheckpoint(f)
	if err != nil {
		return v, fmt.Errorf("read state %s: %w", path, err)
	}
	to := map[string]*[]float32{port.Weights: &v.Weights, port.Momentum: &v.Momentum,
		port.RunningMean: &v.Means, port.RunningVariance: &v.Variances}
	for _, p := range params {
		if to[p.Name] == nil {
			return v, fmt.Errorf("read state %s: %s is no state vector", path, p.Name)
		}
		*to[p.Name] = p.Data
		delete(to, p.Name)
	}
	for name := range to {
		return v, fmt.Errorf("read state %s: %s is missing", path, name)
	}
	return v, nil
}
