package space

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Form is a way in which people write a genotype.
type Form struct {
	Name, Help string
	fits       func(*Space) bool
	write      func(Genotype) string
}

// Forms are all that can be written. FindGenotype reads each of them.
var Forms = []Form{
	{"json", "this program's", func(*Space) bool { return true }, func(g Genotype) string { return string(g.text()) }},
	{"darts", "the Python text of DARTS", func(s *Space) bool { return !s.hasBars() }, lined},
	{"nb201", "the text of NAS-Bench-201", (*Space).hasBars, lined},
	{"confopt", "the Python text of confopt", onlyDARTS, func(g Genotype) string { return "DARTS" + lined(g) }},
	{"naslib", "the compact tuples of NASLib", onlyDARTS, Genotype.compact},
	{"nni", "the JSON of NNI's DARTS space", onlyDARTS, Genotype.nni},
	{"nasbench301", "a configuration of NAS-Bench-301 as JSON", onlyDARTS, Genotype.configuration},
}

func onlyDARTS(s *Space) bool { return s == DARTS }

func lined(g Genotype) string { return g.String() + "\n" }

// FormNames lists their names.
func FormNames() (names []string) {
	for _, f := range Forms {
		names = append(names, f.Name)
	}
	return names
}

// Write gives a valid genotype in a form.
func (g Genotype) Write(form string) (string, error) {
	i := slices.IndexFunc(Forms, func(f Form) bool { return f.Name == form })
	if i < 0 {
		return "", fmt.Errorf("unknown form %q: use one of %s", form, strings.Join(FormNames(), ", "))
	}
	if err := g.Validate(); err != nil {
		return "", err
	}
	if s := g.Space(); !Forms[i].fits(s) {
		return "", fmt.Errorf("genotype: the form %s does not fit cells of the space %s", form, s.name)
	}
	return Forms[i].write(g), nil
}

func (g Genotype) compact() string {
	var cells []string
	for _, t := range DARTS.types {
		var genes []string
		for _, gene := range g.Cell(t) {
			genes = append(genes, fmt.Sprintf("(%d, %d)", gene.Source, slices.Index(compactOps[:], gene.Op)))
		}
		cells = append(cells, "("+strings.Join(genes, ", ")+")")
	}
	return "(" + strings.Join(cells, ", ") + ")\n"
}

func (g Genotype) nni() string {
	values := map[string]any{}
	for _, t := range DARTS.types {
		for i, gene := range g.Cell(t) {
			values[fmt.Sprintf("%v/op_%d_%d", t, i/2+nniNodes, i%2)] = gene.Op.String()
			values[fmt.Sprintf("%v/input_%d_%d", t, i/2+nniNodes, i%2)] = []int{gene.Source}
		}
	}
	return indented(values)
}

func (g Genotype) configuration() string {
	values := map[string]any{}
	for _, t := range DARTS.types {
		genes := g.Cell(t)
		for i, gene := range genes {
			values[fmt.Sprintf("%sedge_%v_%d", configurationPrefix, t, DARTS.EdgeIndex(i/2, gene.Source))] = gene.Op.String()
		}
		for node := 1; node < DARTS.nodes; node++ {
			a, b := genes[2*node].Source, genes[2*node+1].Source
			values[fmt.Sprintf("%sinputs_node_%v_%d", configurationPrefix, t, node+2)] = fmt.Sprintf("%d_%d", min(a, b), max(a, b))
		}
	}
	return indented(values)
}

// indented is JSON with sorted keys.
func indented(values map[string]any) string {
	b, _ := json.MarshalIndent(values, "", "  ") // of texts and numbers
	return string(b) + "\n"
}
