package deploy

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"zos-ort/cmd/internal/host"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/space"
)

// CardName is the file that describes exported models to people and to model hubs.
const CardName = "MODEL_CARD.md"

//go:embed card.md
var cardText string

var cardTemplate = template.Must(template.New("card").Funcs(template.FuncMap{
	"quoted": quoted, "plain": plainText, "percent": Percent,
	"million": func(n int) string { return fmt.Sprintf("%.3f", float64(n)/1e6) }, "mb": terminal.MB, "count": terminal.Count,
}).Parse(cardText))

// card is what the template shows.
type card struct {
	Model    string // the file of the plain form
	Program  string
	Images   settings.Images
	Training settings.Retraining
	Seed     uint64
	Epochs   int // that were trained
	Genotype space.Genotype
	Input    string
	Output   string
	Files    []cardFile
	Classes  []classRow
	Confused []string
	Tested   int // images

	Runs, Threads int    // of the latency
	CPU           string // that it was measured on
}

// cardFile is a model file.
type cardFile struct {
	Name, Form, SHA256        string
	Bytes, Peak               int
	Parameters, MACs          int
	Latency                   string // of an image, in ms
	Accuracy, Loss, Deviation float64
}

// Top is the accuracy of the plain form.
func (c card) Top() float64 { return c.Files[0].Accuracy }

// Card describes forms that have been measured; out is the file of the plain one, which comes first.
func (x *Exporter) Card(out string, forms []*Form) ([]byte, error) {
	s, a := x.Settings, forms[0].accuracy
	c := card{Model: filepath.Base(out), Program: settings.Program, Images: s.Images, Training: s.Retraining, Seed: s.Seed,
		Epochs: x.epochs, Genotype: s.Retraining.Genotype, Input: x.Input(), Output: "logits", Tested: a.images,
		Classes: a.classRows(s.Images.Labels), Confused: a.confused(s.Images.Labels),
		Runs: timedRuns, Threads: s.Device.Threads, CPU: host.CPU()}
	if x.Form.Softmax {
		c.Output = "probabilities"
	}
	for _, v := range forms {
		c.Files = append(c.Files, cardFile{Name: filepath.Base(FileName(out, v.Precision)), Form: v.Precision,
			SHA256: fmt.Sprintf("%x", sha256.Sum256(v.Model)), Bytes: len(v.Model), Peak: v.peak, Parameters: v.cost.Parameters, MACs: v.cost.MACs,
			Latency: fmt.Sprintf("%.2f", v.latency.Seconds()*1e3), Accuracy: v.accuracy.top1(),
			Loss: v.accuracy.loss / float64(max(v.accuracy.images, 1)), Deviation: v.worst})
	}
	var b bytes.Buffer
	if err := cardTemplate.Execute(&b, c); err != nil {
		return nil, fmt.Errorf("model card: %w", err)
	}
	return b.Bytes(), nil
}

// confusedPairs is how many pairs of classes a card names.
const confusedPairs = 5

// confused lists the classes that are most often taken for each other.
func (a *Accuracy) confused(labels []string) (list []string) {
	type pair struct{ label, prediction, n int }
	var pairs []pair
	for i, row := range a.confusion {
		for j, n := range row {
			if i != j && n > 0 {
				pairs = append(pairs, pair{i, j, n})
			}
		}
	}
	slices.SortStableFunc(pairs, func(x, y pair) int { return y.n - x.n })
	for _, p := range pairs[:min(len(pairs), confusedPairs)] {
		list = append(list, fmt.Sprintf("%s for %s (%s)", plainText(labels[p.label]), plainText(labels[p.prediction]),
			terminal.Count(p.n, "image")))
	}
	return list
}

// MayWriteCard reports early that another card is where the one of a model belongs.
func MayWriteCard(out string, force bool) error {
	path := CardPath(out)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || force {
		return nil
	}
	if err != nil {
		return fmt.Errorf("model card: %w", err)
	}
	if !bytes.Contains(b, []byte(cardMark(filepath.Base(out)))) {
		return fmt.Errorf("%s exists and is of another model: export into another folder, or --force to replace it", path)
	}
	return nil
}

// CardPath is where the card of a model belongs.
func CardPath(out string) string { return filepath.Join(filepath.Dir(out), CardName) }

// cardMark tells the card of a model from others.
func cardMark(model string) string { return "# " + plainText(model) + "\n" }

// quoted is a text as YAML reads it: JSON is YAML.
func quoted(s string) string {
	b, _ := json.Marshal(s) // of a text
	return string(b)
}

// plainText keeps a name from being Markdown or HTML.
func plainText(s string) string {
	s = html.EscapeString(strings.Join(strings.Fields(s), " "))
	return strings.NewReplacer(`\`, `\\`, "|", `\|`, "*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`, "]", `\]`, "#", `\#`).Replace(s)
}
