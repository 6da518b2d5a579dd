package plan

// buffers records the planner's decision about which value lives in which memory.
type buffers struct {
	p     *Program
	owner []int // value that a value's buffer was made for
	uses  []int // remaining uses of an owner's buffer
	// free holds the owners of dead buffers by size class, latest last.
	free map[string][]int
}

// assign walks the schedule as PlannerImpl::ComputeSingleStreamReusePlan does and returns the owner
// of the buffer of every value. A dead buffer is not returned if a later value of the same shape
// can use it. It stays allocated in between, which costs memory that liveness alone would not see.
func assign(p *Program, order []int) []int {
	b := &buffers{p: p, owner: make([]int, len(p.Values)), uses: useCounts(p),
		free: map[string][]int{}}
	for i := range b.owner {
		b.owner[i] = i
	}
	for _, i := range order {
		n := &p.Nodes[i]
		for j, v := range n.Out {
			if v == Absent || p.Values[v].Output {
				continue
			}
			if from, ok := b.reusable(n, j); ok {
				b.share(from, v)
			}
		}
		for _, list := range [][]int{n.In, n.Out} {
			for _, v := range list {
				if v != Absent {
					b.release(b.owner[v])
				}
			}
		}
	}
	return b.owner
}

// useCounts counts the uses of every value: its readers, its producer, and the caller (for inputs
// and outputs).
func useCounts(p *Program) []int {
	uses := make([]int, len(p.Values))
	for i, v := range p.Values {
		if v.Output || v.Kind != Computed {
			uses[i]++
		}
	}
	for _, n := range p.Nodes {
		for _, list := range [][]int{n.In, n.Out} {
			for _, v := range list {
				if v != Absent {
					uses[v]++
				}
			}
		}
	}
	return uses
}

// reusable finds a buffer for output j of n: that of an input, or a dead buffer of the same shape.
func (b *buffers) reusable(n *Node, j int) (int, bool) {
	k := kernels[n.Op]
	for _, pair := range k.views {
		if in, ok := n.input(pair, j); ok {
			return b.owner[in], true
		}
	}
	out := b.p.Values[n.Out[j]]
	for _, pair := range k.inPlace {
		in, ok := n.input(pair, j)
		if ok && b.uses[b.owner[in]] == 1 && b.p.Values[in].class() == out.class() {
			return b.owner[in], true
		}
	}
	if len(out.Shape) == 0 {
		return 0, false
	}
	class := out.class()
	list := b.free[class]
	if len(list) == 0 {
		return 0, false
	}
	last := len(list) - 1
	b.free[class] = list[:last]
	return list[last], true
}

// input returns the input of a pair about output j, if the node has it.
func (n *Node) input(pair [2]int, j int) (int, bool) {
	if pair[1] != j || pair[0] >= len(n.In) || n.In[pair[0]] == Absent {
		return 0, false
	}
	return n.In[pair[0]], true
}

func (b *buffers) share(from, v int) {
	b.owner[v] = from
	b.uses[from] += b.uses[v]
}

func (b *buffers) release(owner int) {
	b.uses[owner]--
	if b.uses[owner] == 0 {
		class := b.p.Values[owner].class()
		b.free[class] = append(b.free[class], owner)
	}
}
