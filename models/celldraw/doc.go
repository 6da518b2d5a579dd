// Package celldraw draws the cells of a genotype: as a DOT graph with emicklei/dot, and as SVG
// with goccy/go-graphviz, which carries Graphviz with it, so that none has to be installed. The
// same genotype always gives the same bytes.
package celldraw
