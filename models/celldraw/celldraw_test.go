package celldraw

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"image/color"
	"image/png"
	"io"
	"math"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"zos-ort/models/space"
)

func named(t testing.TB, name string) space.Genotype {
	t.Helper()
	g, err := space.Named(name)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// texts gives the texts of an SVG document, which proves that it is well-formed.
func texts(t *testing.T, svg []byte) map[string]int {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(svg))
	found, inside := map[string]int{}, false
	for {
		token, err := d.Token()
		if err == io.EOF {
			return found
		}
		if err != nil {
			t.Fatalf("not XML: %v", err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			inside = token.Name.Local == "text"
		case xml.EndElement:
			inside = false
		case xml.CharData:
			if inside {
				found[strings.Trim(string(token), " \u00a0")]++
			}
		}
	}
}

func TestSVGShowsEveryGene(t *testing.T) {
	for _, name := range space.Names() {
		for _, cell := range space.DARTS.CellTypes() {
			g := named(t, name)
			genes := g.Cell(cell)
			title := `<` + name + ` & "` + cell.String() + `" é>`
			svg := SVG(title, g, cell)
			want := map[string]int{"c_{k-2}": 1, "c_{k-1}": 1, "0": 1, "1": 1, "2": 1, "3": 1, "c_{k}": 1}
			for _, g := range genes {
				want[g.Op.String()]++
			}
			got := texts(t, svg)
			for text, n := range want {
				if got[text] != n {
					t.Errorf("%s %v: %q is drawn %d times, want %d", name, cell, text, got[text], n)
				}
			}
			if got[title] != 1 {
				t.Errorf("the title %q is missing in %v", title, got)
			}
		}
	}
}

// The edges of the drawing are those of the cell: genes, and every node to the output.
func TestDOTHasTheEdgesOfTheCell(t *testing.T) {
	genotype := named(t, "PC_DARTS_cifar")
	text := DOT("cell", genotype, space.Reduce)
	for i, g := range genotype.Cell(space.Reduce) {
		edge := fmt.Sprintf("n%d->n%d[", g.Source+1, i/2+3)
		if !strings.Contains(text, edge) {
			t.Errorf("gene %d, %v: no %q in\n%s", i, g, edge, text)
		}
	}
	if n := strings.Count(text, "->"); n != 12 {
		t.Errorf("%d edges, want 8 genes and 4 to the output", n)
	}
	if n := strings.Count(text, "->n7["); n != space.DARTS.Nodes() {
		t.Errorf("%d edges to the output, want %d", n, space.DARTS.Nodes())
	}
}

// Maps come in another order in every process, so the second drawing is made in another one.
func TestSameBytesInAnotherProcess(t *testing.T) {
	draw := func() []byte {
		g := named(t, "DARTS_V1")
		return append([]byte(DOT("cell", g, space.Reduce)), SVG("cell", g, space.Reduce)...)
	}
	const variable = "CELLDRAW_TEST_OUTPUT"
	if path := os.Getenv(variable); path != "" {
		if err := os.WriteFile(path, draw(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	path := t.TempDir() + "/drawing"
	child := exec.Command(os.Args[0], "-test.run=^TestSameBytesInAnotherProcess$")
	child.Env = append(os.Environ(), variable+"="+path)
	if out, err := child.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	other, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(draw(), other) {
		t.Error("another process draws another picture")
	}
}

// WCAG 2, 1.4.3: normal text needs a contrast of 4.5 to its background.
func TestLabelColorsAreReadable(t *testing.T) {
	for _, l := range []look{pooling, skip, separable, dilated, plain} {
		if c := contrastToWhite(t, l.color); c < 4.5 {
			t.Errorf("%s has contrast %.2f to white", l.color, c)
		}
	}
}

func contrastToWhite(t *testing.T, color string) float64 {
	t.Helper()
	rgb, err := strconv.ParseUint(strings.TrimPrefix(color, "#"), 16, 24)
	if err != nil {
		t.Fatal(err)
	}
	linear := func(shift uint) float64 {
		c := float64(rgb>>shift&255) / 255
		if c <= 0.03928 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 1.05 / (0.2126*linear(16) + 0.7152*linear(8) + 0.0722*linear(0) + 0.05)
}

func BenchmarkSVG(b *testing.B) {
	g := named(b, "DARTS_V2")
	for b.Loop() {
		SVG("cell", g, space.Normal)
	}
}

// TestSVGMarksTheGenes: a page finds the edge of every gene by its class.
func TestSVGMarksTheGenes(t *testing.T) {
	svg := SVG("cell", named(t, "DARTS_V2"), space.Normal)
	for i, family := range []string{"separable", "separable", "separable", "separable", "separable", "skip", "skip", "dilated"} {
		if want := fmt.Sprintf(`class="edge gene%d %s"`, i, family); strings.Count(string(svg), want) != 1 {
			t.Errorf("no %s", want)
		}
	}
}

// The picture for those who show no vectors has the size of the drawing and its colours.
func TestPNG(t *testing.T) {
	g := named(t, "DARTS_V2")
	content, err := PNG("cell", g, space.Normal)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	l := arrange(g, space.Normal)
	if b := img.Bounds(); math.Abs(float64(b.Dx())-l.width) > 1 || math.Abs(float64(b.Dy())-l.height) > 1 {
		t.Errorf("%v, want %v by %v", b, l.width, l.height)
	}
	for _, b := range l.boxes {
		if got := color.RGBAModel.Convert(img.At(int(b.x)+6, int(b.y)+6)); got != rgb(b.fill) {
			t.Errorf("box %s has the colour %v, want %v", b.label, got, rgb(b.fill))
		}
	}
}
