package costs

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"zos-ort/graphgen/check"
	"zos-ort/models/space"
	"zos-ort/models/space/spacetest"
)

// small is a setting whose table is short.
func small(s *space.Space) Setting {
	return Setting{Space: space.RefTo(s), Channels: 4, Cells: 3, Image: 16, Classes: 2, Batch: 1, Threads: 1, Precision: FP32}
}

// random makes a table with latencies that differ.
func random(rng *rand.Rand, s Setting) *Table {
	fixed, scale := rng.Float64(), rng.Float64()+.5
	t := &Table{Schema: Schema, Version: Version, Program: "v", Date: "2026-11-28T19:00:00Z", Host: "h", CPU: "c", Setting: s,
		Fixed: &fixed, Scale: &scale, Places: []Row{}}
	for _, x := range s.Space.Of().Places(s.Size(), s.Image) {
		ms, row := rng.Float64(), RowOf(x.Place)
		row.Latency = &ms
		t.Places = append(t.Places, row)
	}
	return t
}

// A table reads back as it was written, and gives the sums over all cells of a network.
func TestTableRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 30 {
		s := space.DARTS
		if i > 0 {
			s = check.Must(space.Parse(spacetest.Document(rng)))(t)
		}
		table := random(rng, small(s))
		text := check.Must(table.Text())(t)
		read, err := Parse("costs.json", text)
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if again := check.Must(read.Text())(t); string(again) != string(text) {
			t.Errorf("read back as\n%s\nnot\n%s", again, text)
		}
		c := check.Must(read.Costs())(t)
		g := check.Must(space.RandomGenotype(rng, s.FullMask()))(t)
		if want := byHand(table, g); !near(c.Of(g), want) {
			t.Errorf("%s: %v costs %v, want %v", s.Name(), g, c.Of(g), want)
		}
		if c.Space() != s {
			t.Error("the costs are of another space")
		}
	}
}

func near(a, b float64) bool { return a-b < 1e-9 && b-a < 1e-9 }

// byHand adds up a network cell by cell.
func byHand(t *Table, g space.Genotype) float64 {
	s, sum, side := g.Space(), 0., t.Image
	for i := range t.Cells {
		kind, c := s.TypeAt(i, t.Cells), s.ChannelsAt(i, t.Cells, t.Channels)
		if s.Reduces(i, t.Cells) && s.Skeleton().Residual {
			side /= 2
		}
		for _, gene := range g.Cell(kind) {
			stride, reads := s.Stride(kind, gene.Source), side
			if kind == space.Reduce && stride == 1 {
				reads /= 2
			}
			for _, row := range t.Places {
				if row.place() == (Row{Operation: gene.Op.String(), Channels: c, Side: reads, Stride: stride}) {
					sum += *row.Latency
				}
			}
		}
		if kind == space.Reduce {
			side /= 2
		}
	}
	return *t.Fixed + *t.Scale*sum
}

// Whatever is wrong with a table, one line says it.
func TestBadTables(t *testing.T) {
	text := string(check.Must(random(rand.New(rand.NewPCG(1, 3)), small(space.DARTS)).Text())(t))
	first := `"ms": ` + between(text, `"ms": `, "\n")
	fixed := `"fixed_ms": ` + between(text, `"fixed_ms": `, ",")
	for _, c := range []struct{ old, new, want string }{
		{`"version": 1`, `"version": 2`, `holds "zos-ort/costs" version 2`},
		{`"zos-ort/costs"`, `"zos-ort/mask"`, `holds "zos-ort/mask"`},
		{`"host"`, `"hosts"`, `unknown field "hosts"`},
		{first, `"ms": NaN`, "invalid character"},
		{first, `"ms": -1`, "operations[0].ms (max_pool_3x3 with 4 channels on 16x16, stride 1) is -1"},
		{first, `"ms": 1e300`, "is 1e+300"},
		{first, `"ms": 1e999`, "cannot unmarshal"},
		{first, `"ms": null`, "operations[0].ms (max_pool_3x3 with 4 channels on 16x16, stride 1) is missing"},
		{fixed, `"fixed_ms": -.5`, "invalid character"},
		{fixed, `"fixed_ms": -0.5`, "fixed_ms is -0.5"},
		{fixed + ",", "", "fixed_ms is missing"},
		{`"scale": `, `"scale": -`, "scale is missing or not a positive number"},
		{`"threads": 1`, `"threads": 0`, "threads must lie between 1 and 4096, got 0"},
		{`"image_size": 16`, `"image_size": 6`, "the network halves images 2 times"},
		{`"image_size": 16`, `"image_size": 32`, "operations[0] is max_pool_3x3 with 4 channels on 16x16"},
		{`"cells": 3`, `"cells": 1000000000`, "cells must lie between 1 and 256"},
		{`"cells": 3`, `"cells": 2`, "operations, the network of darts, 2 cells"},
		{`"space": "darts"`, `"space": "nb201"`, "operations, the network of nb201"},
		{`"space": "darts"`, `"space": "nb202"`, `unknown space "nb202"`},
		{`"precision": "fp32"`, `"precision": "bf16"`, `unknown precision "bf16"`},
		{`"max_pool_3x3"`, `"none"`, "operations[0] is none"},
		{"}\n", "", "unexpected end"},
		{text, "", "unexpected end"},
		{text, "[]", "cannot unmarshal array"},
	} {
		bad := strings.Replace(text, c.old, c.new, 1)
		if c.old == "}\n" {
			bad = text[:len(text)/2]
		}
		if bad == text {
			t.Fatalf("%q does not occur", c.old)
		}
		_, err := Parse("costs.json", []byte(bad))
		check.Error(t, err, c.want)
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("more than a line: %v", err)
		}
	}
	if _, err := Read(filepath.Join(t.TempDir(), "none.json")); err == nil {
		t.Error("a file that is not there was read")
	}
	big := filepath.Join(t.TempDir(), "big.json")
	if err := os.WriteFile(big, make([]byte, mostBytes+1), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := Read(big)
	check.Error(t, err, "more than")
}

func between(s, from, to string) string {
	_, s, _ = strings.Cut(s, from)
	s, _, _ = strings.Cut(s, to)
	return s
}

// A table of other networks is refused.
func TestFit(t *testing.T) {
	table := random(rand.New(rand.NewPCG(1, 4)), small(space.DARTS))
	darts, size := space.RefTo(space.DARTS), space.Size{Channels: 4, Cells: 3}
	if err := table.Fit(darts, size, 16); err != nil {
		t.Error(err)
	}
	check.Error(t, table.Fit(darts, space.Size{Channels: 4, Cells: 6}, 16), "darts, 6 cells of 4 channels", "--cells 6")
	check.Error(t, table.Fit(darts, size, 32), "images of 32x32", "--image-size 32")
	nb201 := check.Must(space.Open("nb201"))(t)
	check.Error(t, table.Fit(space.RefTo(nb201), size, 16), "nb201, 3 cells", "--space nb201")
}

// Counted sums are those of the heaviest network, and of its parts.
func TestCount(t *testing.T) {
	s := Setting{Space: space.RefTo(space.DARTS), Channels: 36, Cells: 20, Image: 32, Classes: 10, Batch: 1, Threads: 1, Precision: FP32}
	c := Count(s)
	g := space.DARTS.Heaviest()
	if want := space.NetworkParams(g, 36, 20, 10, false); c.Largest.Parameters != want {
		t.Errorf("the largest network has %d parameters, want %d", c.Largest.Parameters, want)
	}
	if len(c.Operations) != 35 || c.Smallest.Parameters >= c.Largest.Parameters || c.Fixed.Parameters > c.Smallest.Parameters {
		t.Errorf("%+v", c)
	}
	if _, err := json.Marshal(c); err != nil {
		t.Error(err)
	}
}

// FuzzTable: whatever a file holds, it is a table that gives costs, or an error.
func FuzzTable(f *testing.F) {
	text := check.Must(random(rand.New(rand.NewPCG(1, 5)), small(space.DARTS)).Text())(f)
	f.Add(text)
	nb201 := check.Must(space.Open("nb201"))(f)
	f.Add(check.Must(random(rand.New(rand.NewPCG(1, 6)), small(nb201)).Text())(f))
	f.Add([]byte(`{"schema":"zos-ort/costs","version":1,"space":"darts","cells":256}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		check.Bounded(t, len(b), 4<<20, func() { // the places of 256 cells
			table, err := Parse("costs.json", b)
			if err != nil {
				return
			}
			c, err := table.Costs()
			if err != nil {
				t.Fatalf("%v of a table that was read", err)
			}
			if x := c.Of(c.Space().Heaviest()); !(x >= 0 && x < 1e300) {
				t.Errorf("a network takes %v", x)
			}
		})
	})
}
