package report

import (
	"fmt"
	"html"
	"html/template"
	"regexp"
	"strings"

	"zos-ort/models/celldraw"
	"zos-ort/models/space"
)

// cellsOf draws the cells of a genotype with edges that can be pointed at and reached by the keyboard.
func cellsOf(g space.Genotype) (list []cell) {
	for _, t := range space.CellTypes {
		genes := g.Cell(t)
		title := cellName(t)
		list = append(list, cell{Type: t.String(), Title: strings.ToUpper(title[:1]) + title[1:],
			Note: describe(genes), Drawing: inline(string(celldraw.SVG("", genes)), title, genes)})
	}
	return list
}

// describe says what a drawing shows.
func describe(genes [2 * space.Nodes]space.Gene) string {
	var parts []string
	for i, g := range genes {
		parts = append(parts, fmt.Sprintf("%s from %s to %s", g.Op, stateName(g.Source), stateName(i/2+2)))
	}
	return strings.Join(parts, "; ") + "."
}

var (
	svgPaper  = regexp.MustCompile(`<rect [^>]*class="paper"[^>]*/>`)
	svgColors = regexp.MustCompile(` (?:fill|stroke|font-family)="[^"]*"`)
	svgGene   = regexp.MustCompile(`class="edge gene(\d)`)
	svgState  = regexp.MustCompile(`>c_\{k((?:-\d)?)\}<`)
	svgSize   = regexp.MustCompile(`<svg width="([\d.]+)" height="[\d.]+"`)
)

// inline makes the drawing of a cell part of a page: the style sheet gives the colours of both themes,
// and every gene can be focused.
func inline(svg, title string, genes [2 * space.Nodes]space.Gene) template.HTML {
	svg = svg[strings.Index(svg, "<svg"):]
	svg = svgPaper.ReplaceAllString(svg, "")
	svg = svgState.ReplaceAllString(svg, `>c<tspan class="sub" dy="4">k$1</tspan><`)
	svg = svgColors.ReplaceAllString(svg, "")
	svg = svgSize.ReplaceAllString(svg, fmt.Sprintf(`<svg class="cell" style="max-width:$1px" role="group" aria-label="%s"`, html.EscapeString(title)))
	return template.HTML(svgGene.ReplaceAllStringFunc(svg, func(class string) string {
		i := int(class[len(class)-1] - '0')
		g := genes[i]
		label := fmt.Sprintf("%s from %s to %s", g.Op, stateName(g.Source), stateName(i/2+2))
		return fmt.Sprintf(`tabindex="0" role="button" aria-label="%s" data-edge="%d" %s`, html.EscapeString(label),
			space.EdgeIndex(i/2, g.Source), class)
	}))
}
