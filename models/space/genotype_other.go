package space

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// parseObject reads a JSON object, or NNI's as Python prints it, with single quotes. Its keys tell the form.
func parseObject(text string) (g Genotype, err error) {
	if !strings.Contains(text, `"`) {
		text = strings.ReplaceAll(text, "'", `"`)
	}
	values, err := splitObject([]byte(text))
	if err == nil {
		values, err = inner(values)
	}
	if err != nil {
		return g, fmt.Errorf("genotype: %w", err)
	}
	for key := range values {
		if strings.Contains(key, "/op_") {
			return parseNNI(values)
		}
		if strings.Contains(key, "edge_normal_") {
			return parseConfiguration(values)
		}
	}
	err = g.UnmarshalJSON([]byte(text))
	return g, err
}

// inner is the object in an object that holds a configuration: results of NAS-Bench-301 have one.
func inner(values map[string]json.RawMessage) (map[string]json.RawMessage, error) {
	for _, v := range values {
		if bytes.Contains(v, []byte("edge_normal_")) && bytes.HasPrefix(bytes.TrimSpace(v), []byte("{")) {
			return splitObject(v)
		}
	}
	return values, nil
}

// nniNodes is NNI's number of the first node: the two inputs come first.
const nniNodes = 2

// parseNNI reads the architecture that NNI exports of its DARTS space: "normal/op_2_0" is the first
// operation of the first node, "normal/input_2_0" the state that it reads, as a number or a list of one.
// Keys without a slash are sizes of the network.
func parseNNI(values map[string]json.RawMessage) (g Genotype, err error) {
	for _, t := range DARTS.types {
		for i := range g.cell(t) {
			place := fmt.Sprintf("%d_%d", i/2+nniNodes, i%2)
			op, input := fmt.Sprintf("%v/op_%s", t, place), fmt.Sprintf("%v/input_%s", t, place)
			gene := &g.cell(t)[i]
			if err := takeOperation(values, op, gene); err != nil {
				return Genotype{}, err
			}
			raw := values[input]
			if list := bytes.TrimSpace(raw); bytes.HasPrefix(list, []byte("[")) {
				values[input] = list[1 : len(list)-1]
			}
			if err := take(values, input, &gene.Source); err != nil {
				return Genotype{}, err
			}
		}
	}
	return g, complete(g, values, "/")
}

// take decodes a key and removes it.
func take(values map[string]json.RawMessage, key string, into any) error {
	if err := takeFields(values, []field{{key: key, into: into}}); err != nil {
		return fmt.Errorf("genotype: %w", err)
	}
	return nil
}

// takeOperation decodes the name of an operation of DARTS and removes it.
func takeOperation(values map[string]json.RawMessage, key string, gene *Gene) error {
	var name string
	err := take(values, key, &name)
	if err == nil {
		if gene.Op, err = DARTS.Operation(name); err != nil {
			err = fmt.Errorf("genotype: key %q: %w", key, err)
		}
	}
	return err
}

// complete refuses what is left of an object that belongs to an architecture: keys with a part of that text.
func complete(g Genotype, values map[string]json.RawMessage, parts ...string) error {
	var left []string
	for key := range values {
		if slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(key, p) }) {
			left = append(left, key)
		}
	}
	if len(left) > 0 {
		return fmt.Errorf("genotype: a cell of this space has no %q", slices.Min(left))
	}
	return g.Validate()
}

// configurationPrefix heads the keys of NAS-Bench-301; YAHPO Gym writes the colons as _COLON_.
const configurationPrefix = "NetworkSelectorDatasetInfo:darts:"

// parseConfiguration reads a configuration of NAS-Bench-301: the operation of every edge that a node takes, and
// the pairs of inputs of the nodes 3 to 5, which follow from the edges and must agree with them. The genes of a
// node come by rising source.
func parseConfiguration(values map[string]json.RawMessage) (g Genotype, err error) {
	plain := map[string]json.RawMessage{}
	for key, v := range values {
		key = strings.ReplaceAll(key, "_COLON_", ":")
		if key = strings.TrimPrefix(key, configurationPrefix); string(v) != "null" {
			plain[key] = v
		}
	}
	for _, t := range DARTS.types {
		for node := range DARTS.nodes {
			genes, err := nodeOfConfiguration(plain, t, node)
			if err != nil {
				return Genotype{}, err
			}
			copy(g.cell(t)[2*node:], genes)
		}
	}
	return g, complete(g, plain, "edge_", "inputs_node_")
}

func nodeOfConfiguration(values map[string]json.RawMessage, t CellType, node int) (genes []Gene, err error) {
	lo, hi := DARTS.NodeEdges(node)
	for e := lo; e < hi; e++ {
		key := fmt.Sprintf("edge_%v_%d", t, e)
		if _, ok := values[key]; !ok {
			continue
		}
		gene := Gene{Source: e - lo}
		if err := takeOperation(values, key, &gene); err != nil {
			return nil, err
		}
		genes = append(genes, gene)
	}
	if len(genes) != 2 {
		return nil, fmt.Errorf("genotype: a node takes 2 edges, of edge_%v_%d to edge_%v_%d there are %d (%s)", t, lo, t, hi-1,
			len(genes), nodePlace(t, node))
	}
	key := fmt.Sprintf("inputs_node_%v_%d", t, node+2)
	if _, ok := values[key]; ok {
		var pair string
		if err := take(values, key, &pair); err != nil {
			return nil, err
		}
		if want := fmt.Sprintf("%d_%d", genes[0].Source, genes[1].Source); pair != want {
			return nil, fmt.Errorf("genotype: %s is %q, its edges say %q", key, pair, want)
		}
	}
	return genes, nil
}

// compactOps are the operations by their numbers in NASLib's compact form.
var compactOps = [...]Primitive{MaxPool3x3, AvgPool3x3, SkipConnect, SepConv3x3, SepConv5x5, DilConv3x3, DilConv5x5}

// parseCompact reads NASLib's compact form: two tuples of eight pairs (source, number of the operation).
func parseCompact(text string) (g Genotype, err error) {
	s := &scanner{text: text, space: DARTS}
	cells := 0
	err = s.sequence(func(t int) error {
		if cells++; t > int(Reduce) {
			return fmt.Errorf("want 2 cells, got more")
		}
		n := 0
		err := s.sequence(func(i int) error {
			if n++; i >= DARTS.Genes() {
				return fmt.Errorf("a cell has %d genes, got more (%v)", DARTS.Genes(), CellType(t))
			}
			return s.compactGene(&g.cell(CellType(t))[i])
		})
		if err == nil && n != DARTS.Genes() {
			err = fmt.Errorf("a cell has %d genes, got %d (%v)", DARTS.Genes(), n, CellType(t))
		}
		return err
	})
	if err == nil && cells != 2 {
		err = fmt.Errorf("want 2 cells, got %d", cells)
	}
	if err == nil {
		err = s.end()
	}
	if err != nil {
		return Genotype{}, fmt.Errorf("genotype: %w", err)
	}
	return g, g.Validate()
}

func (s *scanner) compactGene(gene *Gene) error {
	var pair []int
	err := s.sequence(func(int) error {
		n, err := s.integer()
		pair = append(pair, n)
		return err
	})
	switch {
	case err != nil:
		return err
	case len(pair) != 2:
		return fmt.Errorf("want pairs (source, operation), got %v", pair)
	case pair[1] >= len(compactOps):
		return fmt.Errorf("operations have the numbers 0 to %s, not %d", strconv.Itoa(len(compactOps)-1), pair[1])
	}
	gene.Source, gene.Op = pair[0], compactOps[pair[1]]
	return nil
}
