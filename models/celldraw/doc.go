// Package celldraw draws the cells of a genotype: as a DOT graph with emicklei/dot, and as SVG with ajstarks/svgo and
// positions of its own, for which no engine has to start. The same genotype always gives the same bytes.
package celldraw
