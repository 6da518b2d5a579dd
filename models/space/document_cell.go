package space

import "math"

// parseCell reads the cell: inputs, nodes, edges, what a derived cell keeps.
func (s *Space) parseCell(v *value) {
	f := v.fields("inputs", "nodes", "edges?", "keep", "none?", "output")
	s.inputs, s.nodes = f[0].number(1, 2), f[1].number(1, MaxNodes)
	s.withNone = f[4].flag()
	s.output = Output(f[5].choice(string(Concat), string(Sum), string(Last)))
	if f[2] == nil {
		for node := range s.nodes {
			for source := range node + s.inputs {
				s.edges = append(s.edges, Edge{node, source})
			}
		}
	} else {
		s.parseEdges(f[2])
	}
	s.keep = MaxEdges
	if f[3] != nil && f[3].is != "all" {
		s.keep = f[3].number(1, MaxNodes+1)
	}
	if *v.broken == nil {
		s.number()
		s.reachable(v)
	}
}

// parseEdges reads a list of edges, each with a source, a node and, if it has not all of them, its operations; those
// in reduction cells, if they are others.
func (s *Space) parseEdges(v *value) {
	all := s.full[Normal][0]
	for _, item := range v.list(1, MaxEdges) {
		f := item.fields("node", "source", "operations?", "reduce_operations?")
		e := Edge{f[0].number(0, s.nodes-1), f[1].number(0, math.MaxInt32)}
		if e.Source >= e.Node+s.inputs {
			f[1].fail("node %d reads states 0 to %d: %d inputs and the nodes before it, so that there is no cycle; not %d",
				e.Node, e.Node+s.inputs-1, s.inputs, e.Source)
		}
		if n := len(s.edges); n > 0 {
			if last := s.edges[n-1]; e.Node < last.Node || e.Node == last.Node && e.Source <= last.Source {
				item.fail("edges come by rising node and source, each once")
			}
		}
		if *v.broken != nil {
			return
		}
		s.full[Normal][len(s.edges)] = s.parseSet(f[2], all)
		s.full[Reduce][len(s.edges)] = s.parseSet(f[3], s.full[Normal][len(s.edges)])
		s.edges = append(s.edges, e)
	}
}

// parseSet reads the operations of an edge.
func (s *Space) parseSet(v *value, otherwise Set) Set {
	if v == nil {
		return otherwise
	}
	var set Set
	for _, item := range v.list(1, MaxOperations) {
		p := s.find(item.text())
		switch {
		case p == nil:
			item.fail("unknown operation %s", item.what())
			return set
		case set.Has(p):
			item.fail("%v is listed twice", p)
		}
		set = set.With(p)
	}
	return set
}

// find gives an operation of the document by its name.
func (s *Space) find(name string) Primitive {
	for _, p := range s.operations {
		if p.name == name && (p != None || s.listsNone) {
			return p
		}
	}
	return nil
}

// number numbers edges and genes.
func (s *Space) number() {
	for t := range s.full {
		clear(s.full[t][len(s.edges):])
	}
	s.start, s.genes = []int{0}, []int{0}
	e := 0
	for node := range s.nodes {
		for ; e < len(s.edges) && s.edges[e].Node == node; e++ {
			s.index[node][s.edges[e].Source] = e + 1
		}
		s.start = append(s.start, e)
		lo, hi := s.NodeEdges(node)
		s.genes = append(s.genes, s.genes[node]+min(s.keep, hi-lo))
	}
}

// reachable checks that every node can have its inputs, and that every state is read by some.
func (s *Space) reachable(v *value) {
	for node := range s.nodes {
		lo, hi := s.NodeEdges(node)
		usable := hi - lo
		for t := range s.full {
			n := 0
			for _, set := range s.full[t][lo:hi] {
				if set.Usable() || s.withNone && !set.Empty() {
					n++
				}
			}
			usable = min(usable, n)
		}
		if takes := max(1, s.Takes(node)); usable < takes {
			v.fail("node %d keeps %d inputs, of its edges %d have an operation other than none: no mask can reach it", node,
				takes, usable)
		}
	}
	for state := range s.inputs + s.nodes {
		read := s.output == Last && state == s.inputs+s.nodes-1 || s.output != Last && state >= s.inputs
		for _, e := range s.edges {
			read = read || e.Source == state
		}
		if !read {
			v.fail("nothing reads state %d", state)
		}
	}
}

// parseSkeleton reads the network around the cells.
func (s *Space) parseSkeleton(v *value) {
	f := v.fields("stem", "stages", "reduction?", "preprocess", "head?", "search", "retrain")
	k := Skeleton{Stem: f[0].number(1, 16), Residual: f[2].choice("cell", "residual") == "residual",
		Preprocess: f[3].flag(), Normalised: f[4].choice("plain", "normalised") == "normalised",
		Search: parseSize(f[5]), Retrain: parseSize(f[6])}
	for _, item := range f[1].list(1, 4) {
		k.Stages = append(k.Stages, item.number(1, 64))
	}
	if len(k.Stages) > 0 && k.Stages[0] != 1 {
		f[1].fail("the first stage has 1, because the others are its multiples")
	}
	s.skeleton, s.types = k, []CellType{Normal}
	if !k.Residual && len(k.Stages) > 1 {
		s.types = append(s.types, Reduce)
	}
}

func parseSize(v *value) (size Size) {
	if v == nil {
		return size
	}
	f := v.fields("channels", "cells")
	return Size{f[0].number(1, 4096), f[1].number(1, 1000)}
}
