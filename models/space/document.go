package space

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
)

//go:embed spaces/*.json
var documents embed.FS

// DARTS is the space that everything has by default.
var DARTS = shipped("darts")

// interned holds every space that was read, by its document, and those that come with the package by their names.
var interned struct {
	sync.Mutex
	byText, byName map[string]*Space
}

// Shipped lists the names of the spaces that come with the program.
func Shipped() (names []string) {
	files, _ := documents.ReadDir("spaces") // embedded
	for _, f := range files {
		names = append(names, strings.TrimSuffix(f.Name(), ".json"))
	}
	return names
}

// shipped is a space that comes with the package, read once; nil if there is none of that name.
func shipped(name string) *Space {
	interned.Lock()
	s := interned.byName[name]
	interned.Unlock()
	if s != nil {
		return s
	}
	data, err := documents.ReadFile("spaces/" + name + ".json")
	if err != nil {
		return nil
	}
	if s, err = Parse(data); err != nil {
		panic(err)
	}
	return s
}

// Open gives a shipped space by its name, or reads the document in a file.
func Open(nameOrFile string) (*Space, error) {
	if slices.Contains(Shipped(), nameOrFile) {
		return shipped(nameOrFile), nil
	}
	data, err := os.ReadFile(nameOrFile)
	if err != nil {
		if os.IsNotExist(err) && !strings.ContainsAny(nameOrFile, "./\\") {
			return nil, fmt.Errorf("unknown space %q: use one of %s, or a file", nameOrFile, strings.Join(Shipped(), ", "))
		}
		return nil, fmt.Errorf("space: %w", err)
	}
	s, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", nameOrFile, err)
	}
	return s, nil
}

// maxDocument is the size of a document at most, in bytes.
const maxDocument = 1 << 20

// Parse reads a document: a JSON object of the schema zos-ort/space, version 1. doc/spaces.md describes its keys. It
// is read strictly, and errors name line and field.
func Parse(data []byte) (*Space, error) {
	if len(data) > maxDocument {
		return nil, fmt.Errorf("space: the document has %d bytes, at most %d are read", len(data), maxDocument)
	}
	root, err := readValue(data)
	if err != nil {
		return nil, fmt.Errorf("space: %w", err)
	}
	var text bytes.Buffer
	if err := json.Compact(&text, data); err != nil {
		return nil, fmt.Errorf("space: %w", err)
	}
	interned.Lock()
	defer interned.Unlock()
	if s := interned.byText[text.String()]; s != nil {
		return s, nil
	}
	s := &Space{document: text.Bytes()}
	s.parse(root)
	if *root.broken != nil {
		return nil, fmt.Errorf("space: %w", *root.broken)
	}
	if interned.byText == nil {
		interned.byText, interned.byName = map[string]*Space{}, map[string]*Space{}
	}
	own, err := documents.ReadFile("spaces/" + s.name + ".json")
	if s.shipped = err == nil && bytes.Equal(own, data); s.shipped {
		interned.byName[s.name] = s
	}
	interned.byText[text.String()] = s
	return s, nil
}

var names = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)

// name is a name of a space or an operation: the places of the network hold it.
func (v *value) name() string {
	s := v.text()
	if v != nil && !names.MatchString(s) {
		v.fail("want a name of lower-case letters, digits and _, at most 40, got %s", v.what())
	}
	return s
}

func (s *Space) parse(root *value) {
	f := root.fields("schema", "version", "name", "about?", "operations", "cell", "skeleton")
	if f[0].choice(schemaPrefix + "space"); *root.broken != nil {
		return
	}
	if f[1].number(1, math.MaxInt32) != schemaVersion {
		f[1].fail("this program reads version %d, not %s", schemaVersion, f[1].what())
	}
	s.name, s.about = f[2].name(), f[3].text()
	s.parseOperations(f[4])
	if *root.broken == nil {
		s.parseCell(f[5])
	}
	if *root.broken == nil {
		s.parseSkeleton(f[6])
	}
	if *root.broken == nil {
		s.check(f[4], f[5], f[6])
	}
}

func (s *Space) parseOperations(v *value) {
	s.operations = []Primitive{None}
	var all Set
	for _, item := range v.list(1, MaxOperations) {
		f := item.fields("name", "parts")
		o := &Operation{name: f[0].name(), index: len(s.operations), parts: parseParts(f[1])}
		if o.name == None.name || len(o.parts) > 0 && o.parts[0].Kind == Zero {
			if o.name != None.name || len(o.parts) != 1 || o.parts[0].Kind != Zero {
				item.fail("the operation with the part zero is called none, and has no other part")
			}
			o, s.listsNone = None, true
			if len(s.operations) > 1 {
				item.fail("none comes first, because operations are in the order that decides ties")
			}
		} else if slices.ContainsFunc(s.operations, func(p Primitive) bool { return p.name == o.name }) {
			item.fail("the operation %q appears twice", o.name)
		} else {
			s.operations = append(s.operations, o)
		}
		if all.Has(o) {
			item.fail("the operation %q appears twice", o.name)
		}
		all = all.With(o)
	}
	if all.Without(None).Empty() {
		v.fail("want an operation other than none")
	}
	if len(s.operations) > MaxOperations {
		v.fail("want at most %d operations, none included", MaxOperations)
	}
	for t := range s.full {
		for e := range s.full[t] {
			s.full[t][e] = all
		}
	}
}

func parseParts(v *value) (list []Part) {
	for _, item := range v.list(1, 16) {
		f := item.fields("part", "kernel?", "dilation?", "groups?", "reduction?", "search_only?")
		p := Part{Kind: Kind(f[0].choice(string(ConvPart), string(DepthwisePart), string(PointwisePart),
			string(BatchNormPart), string(ReLUPart), string(MaxPool), string(AvgPool), string(Identity), string(Zero),
			string(SqueezeExcite), string(Noise)))}
		convolves := p.Kind == ConvPart || p.Kind == DepthwisePart
		p.Kernel = f[1].given(convolves || p.Kind == MaxPool || p.Kind == AvgPool, p.Kind, "kernel").number(1, 31)
		p.Dilation = f[2].given(convolves, p.Kind, "dilation").number(1, 31)
		p.Groups = f[3].given(p.Kind == ConvPart, p.Kind, "groups").number(1, math.MaxInt32)
		p.Reduction = f[4].given(p.Kind == SqueezeExcite, p.Kind, "reduction").number(1, math.MaxInt32)
		p.SearchOnly = f[5].given(p.Kind == BatchNormPart, p.Kind, "search_only").flag()
		if p.Kind == SqueezeExcite && f[4] == nil {
			p.Reduction = defaultSqueeze
		}
		if f[1] == nil && (convolves || p.Kind == MaxPool || p.Kind == AvgPool) {
			item.fail("key %q is missing", "kernel")
		}
		if p.Kernel%2 == 0 {
			f[1].fail("want an odd number, so that height and width stay, got %d", p.Kernel)
		}
		if (p.Kind == Zero || p.Kind == Identity || p.Kind == Noise) && len(v.list(1, 16)) > 1 {
			item.fail("%s stands alone in an operation", p.Kind)
		}
		list = append(list, p)
	}
	return list
}

// given refuses a key that a kind of part does not have.
func (v *value) given(allowed bool, k Kind, key string) *value {
	if v != nil && !allowed {
		v.fail("a part %s has no %s", k, key)
	}
	return v
}

// check checks what no part of the document says alone.
func (s *Space) check(operations, cell, skeleton *value) {
	if s.withNone && !s.listsNone {
		cell.fail("none is true, but there is no operation none")
	}
	k := s.skeleton
	if !k.Preprocess && (s.inputs > 1 || s.output == Concat || !k.Residual && len(k.Stages) > 1) {
		skeleton.fail("without preprocess a cell has one input, an output of as many channels (sum or last), and " +
			"residual reductions")
	}
	if !k.Preprocess && k.Stem != k.Stages[0] {
		skeleton.fail("without preprocess the stem has as many channels as the first stage, %d times C, not %d", k.Stages[0],
			k.Stem)
	}
	if slices.Contains(s.types, Reduce) {
		for i, p := range s.Operations() {
			if p != None && p.Strider() < 0 {
				operations.list(1, MaxOperations)[i].fail("no part of it can halve height and width, as cells that reduce need")
			}
		}
	}
}

// MarshalJSON gives a shipped space as its name, and any other as its document.
func (s *Space) MarshalJSON() ([]byte, error) {
	if s.shipped {
		return json.Marshal(s.name)
	}
	return s.document, nil
}

// Ref is a space in a JSON file: the name of a shipped one, or a document. Its zero value is DARTS.
type Ref struct{ Space *Space }

// RefTo refers to a space.
func RefTo(s *Space) Ref { return Ref{s.key()} }

// Of is the space.
func (r Ref) Of() *Space { return r.Space.orDARTS() }

// Set opens a space, for flags.
func (r *Ref) Set(nameOrFile string) error {
	s, err := Open(nameOrFile)
	*r = RefTo(s)
	return err
}

// String is the name of the space.
func (r Ref) String() string { return r.Of().name }

// MarshalJSON is that of the space.
func (r Ref) MarshalJSON() ([]byte, error) { return r.Of().MarshalJSON() }

// UnmarshalJSON reads a name or a document.
func (r *Ref) UnmarshalJSON(data []byte) (err error) {
	var name string
	if json.Unmarshal(data, &name) != nil {
		s, err := Parse(data)
		*r = RefTo(s)
		return err
	}
	if !slices.Contains(Shipped(), name) {
		return fmt.Errorf("unknown space %q: use one of %s", clipText(name), strings.Join(Shipped(), ", "))
	}
	*r = RefTo(shipped(name))
	return nil
}
