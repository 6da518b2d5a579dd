package op

import (
	"fmt"
	"slices"

	"zos-ort/graphgen/ir"
)

// compiler turns the members of a group into jobs. A job of phase i may read what those of earlier phases
// write. A result that is a sum of terms gets memory when something reads it: as long as only another sum
// does, its terms become terms of that sum.
type compiler struct {
	types  []ir.Type
	places []place  // of values that have memory
	terms  [][]*job // of values that have none yet
	ready  []int    // the first phase that may read a value, or its terms
	uses   []int    // how often values are read, results once more
	narrow bool     // images are bfloat16; what is float in its stead is marked
	jobs   []*job
}

// compiled is what a node launches, as the words of the attribute of ort/kernels/device_group.c.
type compiled struct {
	words             []int
	scratch, launches int  // bytes that the launches work in, and their number
	narrow            bool // images are bfloat16
	inputs, outputs   int  // in the first places
}

// compile works out the launches of a group for inputs of these types.
func (o Group) compile(in []ir.Type) (r compiled, err error) {
	c, err := o.jobs(in)
	if err != nil {
		return r, err
	}
	list, err := launches(c.jobs)
	if err != nil {
		return r, err
	}
	r.scratch, r.launches = arrange(c.jobs), len(list)
	r.narrow, r.inputs, r.outputs = c.narrow, o.Inputs, len(o.Results)
	if c.narrow {
		outs, err := Pick(c.types, o.Results)
		if err != nil {
			return r, err
		}
		r.inputs, r.outputs = countImages(in), countImages(outs)
	}
	r.words = append(r.words, number(c.narrow), o.Inputs, r.inputs)
	for _, t := range in {
		r.words = append(r.words, t.Elements())
	}
	r.words = append(r.words, len(o.Results), r.outputs)
	for _, v := range o.Results {
		r.words = append(append(r.words, c.types[v].Rank()), c.types[v].Shape...)
	}
	r.words = append(r.words, r.scratch, len(list))
	for _, l := range list {
		r.words = append(r.words, len(l.jobs), l.blocks)
		for _, j := range l.jobs {
			r.words = j.words(r.words)
		}
	}
	return r, nil
}

// jobs compiles the members.
func (o Group) jobs(in []ir.Type) (*compiler, error) {
	types, err := o.types(in)
	if err != nil {
		return nil, err
	}
	n := len(types)
	c := &compiler{types: types, places: make([]place, n), terms: make([][]*job, n), ready: make([]int, n),
		uses: make([]int, n)}
	c.narrow = slices.ContainsFunc(types, func(t ir.Type) bool { return t.DType == ir.BFloat16 })
	for i := range o.Inputs {
		c.places[i].buffer = &buffer{space: 2 + i}
	}
	for i, v := range o.Results {
		c.places[v].buffer = &buffer{space: 2 + o.Inputs + i}
		c.uses[v] += 2 // it needs memory
	}
	for _, m := range o.Members {
		for _, v := range m.In {
			if v >= 0 {
				c.uses[v]++
			}
		}
	}
	for _, m := range o.Members {
		if err := c.member(m); err != nil {
			return nil, err
		}
	}
	for _, v := range o.Results {
		c.read(v)
	}
	return c, nil
}

// images is the element type of images.
func (c *compiler) images() ir.DType {
	if c.narrow {
		return ir.BFloat16
	}
	return ir.Float
}

func (c *compiler) member(m Member) error {
	switch o := m.Op.(type) {
	case Piece:
		c.view(m.Out[0], m.In[0], o.Offset)
		return nil
	case Add:
		if !c.types[m.In[0]].Equal(c.types[m.In[1]]) {
			return fmt.Errorf("group: a sum of %v and %v", c.types[m.In[0]], c.types[m.In[1]])
		}
		c.plus(m.Out[0], m.In[0])
		c.plus(m.Out[0], m.In[1])
		return nil
	case Cast:
		c.plus(m.Out[0], m.In[0])
		return nil
	case Concat:
		c.concat(m)
		return nil
	}
	if t := c.types[m.In[0]]; t.DType != c.images() {
		return fmt.Errorf("group: %T of %v among images of %v", m.Op, t, c.images())
	}
	switch o := m.Op.(type) {
	case Scaled:
		j := &job{}
		at := c.refer(j, m, refX, 0, refW, 1)
		if x := c.types[m.In[0]]; PerImage(x, c.types[m.In[1]]) {
			j.images(x, x)
			j.num[numEach] = 1
		}
		c.accumulate(m, o, jobScaled, j, at)
	case Dot:
		c.dot(m)
	case Normalize:
		c.normalize(m, o)
	case NormalizeGrad:
		c.normalizeGrad(m, o)
	case ReluConvNorm:
		c.unit(m, o)
	case ReluConvNormGrad:
		c.unitGrad(m, o)
	case DirectMaxPool:
		c.pool(m, jobMaxPool, MaxPool(o), c.types[m.In[0]], m.Out[0])
	case DirectAveragePool:
		c.pool(m, jobAveragePool, MaxPool(o), c.types[m.In[0]], m.Out[0])
	case DirectMaxPoolGrad:
		c.unpool(m, o, jobUnmax, MaxPool(o.Pool))
	case DirectAveragePoolGrad:
		c.unpool(m, o, jobUnaverage, MaxPool(o.Pool))
	default:
		return fmt.Errorf("group: %T is no operator of a GPU", o)
	}
	return nil
}

// scratch takes working memory for floats.
func (c *compiler) scratch(floats int) place { return working(4 * floats) }

// pixels takes working memory for images of n elements.
func (c *compiler) pixels(n int) place { return working(n * c.images().Size()) }

func working(bytes int) place { return place{buffer: &buffer{space: 1, size: bytes}} }

// view lets value v be the elements of x from offset on.
func (c *compiler) view(v, x, offset int) {
	at := c.read(x)
	at.offset += offset * c.types[x].DType.Size()
	c.places[v], c.ready[v] = at, c.ready[x]
}

// read finds the memory of a value. A sum gets it now.
func (c *compiler) read(v int) place {
	if v < 0 {
		return place{}
	}
	if list := c.terms[v]; list != nil { // all of which can be read from c.ready[v] on
		c.terms[v] = nil
		n, head := c.types[v].Elements(), *list[0]
		head.terms = list[1:]
		head.ref[refY], head.num[numN] = c.write(v, c.ready[v]+1), n
		head.num[numWidth], head.num[numWide], head.num[numPixels] = sumWidth(n), c.wide(v), planeOf(c.types[v])
		c.do(&head, c.ready[v]-1, head.num[numWidth])
	}
	return c.places[v]
}

// write gives a value memory, if it is wanted, which can be read from a phase on.
func (c *compiler) write(v, ready int) place {
	if v < 0 {
		return place{}
	}
	if c.places[v].buffer == nil {
		c.places[v] = working(c.types[v].Bytes())
	}
	c.ready[v] = ready
	return c.places[v]
}

// do adds a job.
func (c *compiler) do(j *job, phase, blocks int) {
	j.phase, j.blocks = phase, blocks
	c.jobs = append(c.jobs, j)
}

// refer lets pointers of a job point to inputs of a member: pairs of pointer and input. It returns the first
// phase that may read them all.
func (c *compiler) refer(j *job, m Member, pairs ...int) (phase int) {
	for i := 0; i < len(pairs); i += 2 {
		if at := pairs[i+1]; at < len(m.In) && m.In[at] >= 0 {
			j.ref[pairs[i]] = c.read(m.In[at])
			phase = max(phase, c.ready[m.In[at]])
		}
	}
	return phase
}

// accumulate lets the first result of a member be a term plus the addend of its operator. The term can be
// read from a phase on.
func (c *compiler) accumulate(m Member, o Accumulator, kind int, term *job, phase int) {
	v := m.Out[0]
	term.num[numKind] = kind
	c.terms[v], c.ready[v] = []*job{term}, phase
	for i := o.Addend(); i < min(len(m.In), o.Addend()+2); i++ {
		if m.In[i] >= 0 {
			c.plus(v, m.In[i])
		}
	}
}

// plus adds value x to the sum v: the terms of x, if nothing else needs their sum.
func (c *compiler) plus(v, x int) {
	var terms []*job
	if list := c.terms[x]; list != nil && c.uses[x] == 1 && len(list)+len(c.terms[v]) <= sumTerms {
		terms = list
		c.terms[x] = nil
	} else {
		j := &job{}
		j.num[numKind], j.ref[refX] = c.plain(x), c.read(x)
		terms = []*job{j}
	}
	c.terms[v] = append(terms[:len(terms):len(terms)], c.terms[v]...)
	c.ready[v] = max(c.ready[v], c.ready[x])
}

// wide is 1 for a value that is float where images are not.
func (c *compiler) wide(v int) int { return number(c.narrow && c.types[v].DType == ir.Float) }

// plain is the kind of a term that is value x itself.
func (c *compiler) plain(x int) int {
	if c.wide(x) > 0 {
		return jobWide
	}
	return jobPlain
}

// images sets the geometry of images X[N,C,H,W] and Y[N,M,H',W'].
func (j *job) images(x, y ir.Type) {
	j.num[numBatch], j.num[numIn], j.num[numH], j.num[numW] = x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3]
	j.num[numOut], j.num[numOH], j.num[numOW] = y.Shape[1], y.Shape[2], y.Shape[3]
}

func (j *job) window(kernel, stride, pad, dilation int) {
	j.num[numKernel], j.num[numStride], j.num[numPad], j.num[numDilation] = kernel, stride, pad, dilation
}

// scaled notes whether a scale, if there is one, has a number for each channel.
func (c *compiler) scaled(j *job, m Member, scale int) {
	if scale < len(m.In) && m.In[scale] >= 0 && c.types[m.In[scale]].Elements() > 1 {
		j.num[numEach] = 1
	}
}

// concat copies vectors into one.
func (c *compiler) concat(m Member) {
	to, last := c.write(m.Out[0], 0), 0
	for i, v := range m.In {
		j, n := &job{}, c.types[v].Elements()
		at := c.refer(j, m, refX, i)
		j.num[numKind], j.num[numN], j.num[numWidth], j.ref[refY] = c.plain(v), n, sumWidth(n), to
		j.num[numWide], j.num[numPixels] = c.wide(m.Out[0]), n
		c.do(j, at, j.num[numWidth])
		to.offset += c.types[v].Bytes()
		last = max(last, at)
	}
	c.ready[m.Out[0]] = last + 1
}

// planeOf is the number of pixels of a plane of images; of another value, that of its elements.
func planeOf(t ir.Type) int {
	if t.Rank() == 4 {
		return max(1, t.Shape[2]*t.Shape[3])
	}
	return max(1, t.Elements())
}

// sumWidth is the number of blocks for a sum of n elements.
func sumWidth(n int) int { return min((n+deviceThreads-1)/deviceThreads, sumBlocks) }

func (c *compiler) dot(m Member) {
	j := &job{}
	at := c.refer(j, m, refX, 0, refDY, 1)
	n := c.types[m.In[0]].Elements()
	width := min((n+deviceThreads-1)/deviceThreads, dotBlocks)
	j.num[numKind], j.num[numN], j.num[numWidth], j.tickets = jobDot, n, width, 1
	j.ref[refParts], j.ref[refY] = c.scratch(width), c.write(m.Out[0], at+1)
	c.do(j, at, width)
}

// moments adds the job that finds the statistics of P, or the slopes of dY.
func (c *compiler) moments(j *job, phase int) {
	width := min(j.num[numBatch], normBlocks)
	j.num[numKind], j.num[numWidth], j.tickets = jobMoments, width, j.num[numOut]
	j.ref[refParts] = c.scratch(3 * width * j.num[numOut])
	c.do(j, phase, width*j.num[numOut])
}

// statistics gives the moments of a job memory.
func (c *compiler) statistics(j *job, mean, variance, phase int) {
	j.ref[refMean], j.ref[refVariance] = c.scratch(j.num[numOut]), c.scratch(j.num[numOut])
	if mean >= 0 {
		j.ref[refMean] = c.write(mean, phase+1)
	}
	if variance >= 0 {
		j.ref[refVariance] = c.write(variance, phase+1)
	}
}

func (c *compiler) normalize(m Member, o Normalize) {
	y := c.types[m.Out[0]]
	j, term := &job{epsilon: o.Epsilon}, &job{epsilon: o.Epsilon}
	at := c.refer(j, m, refP, 0)
	j.images(y, y)
	c.statistics(j, m.Out[1], m.Out[2], at)
	c.moments(j, at)
	affine := c.refer(term, m, refScale, 1, refBias, 2)
	c.normal(m, o, term, j, 1, max(at+1, affine))
}

// normal lets Y be the normalised P of a job.
func (c *compiler) normal(m Member, o Accumulator, term, j *job, scale, phase int) {
	term.images(c.types[m.Out[0]], c.types[m.Out[0]])
	for _, r := range []int{refP, refMean, refVariance} {
		term.ref[r] = j.ref[r]
	}
	c.scaled(term, m, scale)
	c.accumulate(m, o, jobNormal, term, phase)
}

// slopes gives memory to what the job that finds the slopes of dY leaves, and adds the job that adds up the
// gradient of a scale of one number.
func (c *compiler) slopes(j *job, dscale, dbias, phase int) {
	out := j.num[numOut]
	j.num[numBackward] = 1
	j.ref[refK], j.ref[refDScales] = c.scratch(3*out), c.scratch(out)
	j.ref[refDBias] = c.write(dbias, phase+1)
	switch {
	case dscale < 0:
	case j.num[numEach] == 1:
		j.ref[refDScale] = c.write(dscale, phase+1)
	default:
		sum := &job{}
		sum.num[numKind], sum.num[numOut] = jobDScale, out
		sum.ref[refDScales], sum.ref[refDScale] = j.ref[refDScales], c.write(dscale, phase+2)
		c.do(sum, phase+1, 1)
	}
}

func (c *compiler) normalizeGrad(m Member, o NormalizeGrad) {
	x := c.types[m.In[1]]
	j := &job{epsilon: o.Epsilon}
	at := c.refer(j, m, refDY, 0, refP, 1, refMean, 2, refVariance, 3, refScale, 4)
	j.images(x, x)
	c.scaled(j, m, 4)
	c.slopes(j, m.Out[1], m.Out[2], at)
	c.moments(j, at)
	if m.Out[0] >= 0 {
		term := &job{}
		term.images(x, x)
		for _, r := range []int{refDY, refP, refMean, refK} {
			term.ref[r] = j.ref[r]
		}
		c.accumulate(m, o, jobBlend, term, at+1)
	}
}

func tiles(j *job) int {
	return j.num[numBatch] * ((j.num[numOH]*j.num[numOW] + deviceTile - 1) / deviceTile)
}

func groups(channels int) int { return (channels + deviceChannels - 1) / deviceChannels }

// project adds the job that computes P and its statistics, or the slopes of dY.
func (c *compiler) project(j *job, phase int) {
	out := j.num[numOut]
	width := min(tiles(j), unitBlocks)
	j.num[numKind], j.num[numWidth], j.tickets = jobProject, width, groups(out)
	j.ref[refParts] = c.scratch(3 * width * out)
	j.ref[refP] = c.pixels(j.num[numBatch] * out * j.num[numOH] * j.num[numOW])
	c.do(j, phase, width*groups(out))
}

// unitJob is a job about a unit on images of these types.
func unitJob(o ReluConvNorm, x, y ir.Type) *job {
	j := &job{epsilon: o.Epsilon}
	j.images(x, y)
	j.window(0, 1, 0, 1)
	if o.Kernel != 0 {
		j.window(o.Kernel, o.Stride, o.Pad, o.Dilation)
	}
	if o.Kernel == Halves {
		j.num[numIn] *= 2 // channels of D
	}
	return j
}

func (c *compiler) unit(m Member, o ReluConvNorm) {
	j, term := unitJob(o, c.types[m.In[0]], c.types[m.Out[0]]), &job{epsilon: o.Epsilon}
	at := c.refer(j, m, refX, 0, refW, 1, refV, 2)
	c.statistics(j, m.Out[1], m.Out[2], at)
	c.project(j, at)
	affine := c.refer(term, m, refScale, 3, refBias, 4)
	c.normal(m, o, term, j, 3, max(at+1, affine))
}

// unitGrad computes P and D again with the slopes of dY, then dD and parts of dW, then dX, dV and dW.
func (c *compiler) unitGrad(m Member, o ReluConvNormGrad) {
	base := unitJob(o.Unit, c.types[m.In[1]], c.types[m.In[0]])
	at := c.refer(base, m, refDY, 0, refX, 1, refMean, 2, refVariance, 3, refW, 4, refV, 5, refScale, 6)
	c.scaled(base, m, 6)
	dX, dW, dV, second := m.Out[0], m.Out[1], m.Out[2], -1
	if o.Unit.Kernel == 0 {
		dV = -1
	} else if o.Unit.Kernel == Halves {
		dV, second = -1, dV
	}
	n := base.num
	d := n[numBatch] * n[numIn] * n[numOH] * n[numOW]
	if dW >= 0 || second >= 0 {
		base.ref[refD] = c.pixels(d)
	}
	c.slopes(base, m.Out[3], m.Out[4], at)
	c.project(base, at)
	next := func(kind, phase, blocks int) *job {
		j := *base
		j.num[numKind], j.tickets, j.ref[refParts], j.ref[refDScales] = kind, 0, place{}, place{}
		c.do(&j, phase, blocks)
		return &j
	}
	if dW >= 0 || second >= 0 {
		base.num[numSlices] = min(tiles(base), unitSlices)
		parts := c.scratch(base.num[numSlices] * n[numOut] * n[numIn])
		next(jobWeight, at+1, base.num[numSlices]*groups(n[numOut])*groups(n[numIn])).ref[refDWParts] = parts
		j := &job{num: base.num}
		j.num[numKind], j.num[numN] = jobJoin, n[numOut]*n[numIn]
		if o.Unit.Kernel == Halves {
			j.num[numN] /= 2
		}
		j.ref[refDWParts], j.ref[refDW], j.ref[refDV] = parts, c.write(dW, at+3), c.write(second, at+3)
		c.do(j, at+2, (j.num[numN]+deviceThreads-1)/deviceThreads)
	}
	if dX < 0 && dV < 0 {
		return
	}
	dd := c.pixels(d)
	next(jobBack, at+1, tiles(base)*groups(n[numIn])).ref[refDD] = dd
	after := &job{num: base.num}
	after.ref[refDD], after.ref[refX], after.ref[refV] = dd, base.ref[refX], base.ref[refV]
	if dV >= 0 {
		j := *after
		j.num[numKind], j.tickets = jobTaps, n[numIn]
		j.ref[refDVParts] = c.scratch(n[numBatch] * n[numIn] * n[numKernel] * n[numKernel])
		j.ref[refDV] = c.write(dV, at+3)
		c.do(&j, at+2, n[numBatch]*n[numIn])
	}
	if dX >= 0 {
		c.accumulate(m, o, jobPull, after, at+2)
	}
}

func (c *compiler) pool(m Member, kind int, o MaxPool, x ir.Type, y int) {
	j := &job{}
	j.images(x, c.types[y])
	j.window(o.Kernel, o.Stride, o.Pad, 1)
	j.num[numKind] = kind
	c.ready[y], c.terms[y] = c.refer(j, m, refX, 0), []*job{j}
}

func (c *compiler) unpool(m Member, o Accumulator, kind int, p MaxPool) {
	j := &job{}
	pairs := []int{refDY, 0}
	if kind == jobUnmax {
		pairs = append(pairs, refX, 1)
	}
	at := c.refer(j, m, pairs...)
	j.images(c.types[m.Out[0]], c.types[m.In[0]])
	j.window(p.Kernel, p.Stride, p.Pad, 1)
	c.accumulate(m, o, kind, j, at)
}
