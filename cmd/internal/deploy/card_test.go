package deploy

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"zos-ort/cmd/internal/host"
	"zos-ort/cmd/internal/settings"
	"zos-ort/graphgen/check"
	"zos-ort/graphgen/deploy"
	"zos-ort/models/space"
)

// TestCard: hubs read the front matter, people the tables, and names are text in both.
func TestCard(t *testing.T) {
	e := settings.QuickRetraining()
	e.Retraining.Genotype = check.Must(space.Named("DARTS_V2"))(t)
	e.Images.Name, e.Images.Fingerprint, e.Images.Classes = "my: \"data\"\n- x", "0123", 2
	e.Device.Threads = 3
	e.Images.Labels = []string{"a|b", "<i>c</i>_d"}
	a := newAccuracy(2)
	a.images, a.confusion = 4, [][]int{{1, 2}, {0, 1}}
	forms := []*Form{{Precision: "fp32", Model: []byte("model"), latency: 2 * time.Millisecond, accuracy: a, worst: 3e-6, peak: 12_340_000,
		cost: deploy.Cost{Parameters: 1_500_000, MACs: 7_000_000}}, {Precision: "int8", Model: []byte("m"), accuracy: a}}
	x := &Exporter{Trained: &Trained{Settings: e, epochs: 7}}
	text := string(check.Must(x.Card("out/net.onnx", forms))(t))
	var front struct {
		Library string   `yaml:"library_name"`
		Tags    []string `yaml:"tags"`
		Index   []struct {
			Name    string
			Results []struct {
				Dataset struct{ Name, Revision string }
				Metrics []struct {
					Type  string
					Value float64
				}
			}
		} `yaml:"model-index"`
	}
	parts := strings.SplitN(text, "---\n", 3)
	if len(parts) != 3 || parts[0] != "" {
		t.Fatalf("no front matter in\n%s", text)
	}
	if err := yaml.Unmarshal([]byte(parts[1]), &front); err != nil {
		t.Fatalf("%v in\n%s", err, parts[1])
	}
	result := front.Index[0].Results[0]
	if front.Library != "onnx" || len(front.Tags) != 4 || front.Index[0].Name != "net.onnx" || result.Dataset.Name != e.Images.Name ||
		result.Dataset.Revision != "0123" || result.Metrics[0].Type != "accuracy" || result.Metrics[0].Value != .5 {
		t.Errorf("front matter %+v", front)
	}
	for _, want := range []string{"# net.onnx\n", `| a\|b | 3 | 1 | 33.33 % |`, `| &lt;i&gt;c&lt;/i&gt;\_d | 1 | 1 | 100.00 % |`,
		`a\|b for &lt;i&gt;c&lt;/i&gt;\_d (2 images)`, fmt.Sprintf("| net.onnx | fp32 | 5 | %x |", sha256.Sum256([]byte("model"))),
		"| net.onnx | 1.500 | 7.000 | 0.0 | 12.3 | 2.00 | 50.00 % | 0.0000 | 3.0e-06 |", "median of 31 runs on one image, with 3 threads", plainText(host.CPU()), "net.int8.onnx", "| epochs | 7 of 10 |",
		"\n" + e.Retraining.Genotype.String() + "\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(parts[2], "<i>") {
		t.Error("a name is HTML")
	}
}

// TestCardOfAnotherModel stays.
func TestCardOfAnotherModel(t *testing.T) {
	out := filepath.Join(t.TempDir(), "net.onnx")
	if err := MayWriteCard(out, false); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(CardPath(out), bytes.Join([][]byte{[]byte("---\n"), []byte(cardMark("net.onnx"))}, nil), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := MayWriteCard(out, false); err != nil {
		t.Error(err)
	}
	other := filepath.Join(filepath.Dir(out), "other.onnx")
	check.Error(t, MayWriteCard(other, false), CardName, "of another model", "--force")
	if err := MayWriteCard(other, true); err != nil {
		t.Error(err)
	}
}
