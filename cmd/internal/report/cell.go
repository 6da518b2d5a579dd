package report

import (
	"fmt"
	"html"
	"html/template"
	"regexp"
	"strconv"
	"strings"

	"zos-ort/models/celldraw"
	"zos-ort/models/space"
)

// cellsOf draws the cells of a genotype with edges that can be pointed at and reached by the keyboard.
func cellsOf(g space.Genotype) (list []cell) {
	for _, t := range g.Space().CellTypes() {
		title := cellName(t)
		list = append(list, cell{Type: t.String(), Title: strings.ToUpper(title[:1]) + title[1:],
			Note: describe(g, t), Drawing: inline(string(celldraw.SVG("", g, t)), title, g, t)})
	}
	return list
}

// describe says what a drawing shows.
func describe(g space.Genotype, t space.CellType) string {
	var parts []string
	for i := range g.Cell(t) {
		parts = append(parts, sentence(g, t, i))
	}
	return strings.Join(parts, "; ") + "."
}

// sentence says what a gene does.
func sentence(g space.Genotype, t space.CellType, i int) string {
	s, gene := g.Space(), g.Cell(t)[i]
	return fmt.Sprintf("%s from %s to %s", gene.Op, stateName(s, gene.Source), stateName(s, s.NodeOf(i)+s.Inputs()))
}

var (
	svgPaper  = regexp.MustCompile(`<rect [^>]*class="paper"[^>]*/>`)
	svgColors = regexp.MustCompile(` (?:fill|stroke|font-family)="[^"]*"`)
	svgGene   = regexp.MustCompile(`class="edge gene(\d+)`)
	svgState  = regexp.MustCompile(`>c_\{k((?:-\d)?)\}<`)
	svgSize   = regexp.MustCompile(`<svg width="([\d.]+)" height="[\d.]+"`)
)

// inline makes the drawing of a cell part of a page: the style sheet gives the colours of both themes,
// and every gene can be focused.
func inline(svg, title string, g space.Genotype, t space.CellType) template.HTML {
	svg = svg[strings.Index(svg, "<svg"):]
	svg = svgPaper.ReplaceAllString(svg, "")
	svg = svgState.ReplaceAllString(svg, `>c<tspan class="sub" dy="4">k$1</tspan><`)
	svg = svgColors.ReplaceAllString(svg, "")
	svg = svgSize.ReplaceAllString(svg, fmt.Sprintf(`<svg class="cell" style="max-width:$1px" role="group" aria-label="%s"`, html.EscapeString(title)))
	return template.HTML(svgGene.ReplaceAllStringFunc(svg, func(class string) string {
		i, _ := strconv.Atoi(strings.TrimPrefix(class, `class="edge gene`)) // the expression takes digits only
		s := g.Space()
		return fmt.Sprintf(`tabindex="0" role="button" aria-label="%s" data-edge="%d" %s`, html.EscapeString(sentence(g, t, i)),
			s.EdgeIndex(s.NodeOf(i), g.Cell(t)[i].Source), class)
	}))
}
