package op

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// What kernels.cu in ort/kernels/device says of jobs: their kinds, pointers and numbers in the order of
// zos_job, and its limits.
const (
	jobProject = iota
	jobMoments
	jobBack
	jobWeight
	jobJoin
	jobTaps
	jobDScale
	jobDot
	jobNormal // from here on: terms of sums
	jobScaled
	jobPlain
	jobMaxPool
	jobAveragePool
	jobPull
	jobUnmax
	jobUnaverage
	jobBlend
	jobWide
)

const (
	refX = iota
	refW
	refV
	refScale
	refBias
	refDY
	refY
	refD
	refP
	refDD
	refMean
	refVariance
	refK
	refParts
	refDW
	refDV
	refDScale
	refDBias
	refDScales
	refDWParts
	refDVParts
	refs
)

const (
	numKind = iota
	numFirst
	numWidth
	numLead
	numTerms
	numTicket
	numBatch
	numIn
	numOut
	numH
	numW
	numOH
	numOW
	numKernel
	numStride
	numPad
	numDilation
	numEach
	numBackward
	numSlices
	numN
	numWide
	numPixels
	numbers
)

const (
	deviceThreads, deviceTile, deviceChannels = 128, 64, 32 // of a block; pixels and channels of a tile
	deviceJobs, deviceTickets                 = 120, 8192   // of a launch

	unitBlocks, unitSlices = 256, 64
	normBlocks, dotBlocks  = 32, 256
	sumBlocks              = 4096
	sumTerms               = 96
)

// buffer is memory: working memory, an input or an output of the node.
type buffer struct {
	space       int // of the program's words: 1 for working memory
	size        int // in bytes, of working memory
	at          int // where it is in the working memory
	first, last int // launches that use it
}

// place is a place in a buffer; the zero value is a NULL pointer.
type place struct {
	*buffer
	offset int // in bytes
}

// job is a part of a launch, or a term of a sum.
type job struct {
	ref     [refs]place
	num     [numbers]int
	epsilon float32
	phase   int // jobs of a phase do not depend on each other
	blocks  int
	tickets int
	terms   []*job // of a sum, after this one
}

// words appends the job.
func (j *job) words(list []int) []int {
	list = append(list, j.num[:]...)
	list = append(list, int(int32(math.Float32bits(j.epsilon))))
	for _, r := range j.ref {
		switch {
		case r.buffer == nil:
			list = append(list, 0, 0)
		case r.space == 1:
			list = append(list, 1, r.at+r.offset)
		default:
			list = append(list, r.space, r.offset)
		}
	}
	return list
}

// launch is a table of jobs.
type launch struct {
	jobs            []*job
	blocks, tickets int
}

// launches divides jobs into as few launches as there are phases, unless a table is full.
func launches(jobs []*job) (list []*launch, err error) {
	slices.SortStableFunc(jobs, func(a, b *job) int { return cmp.Compare(a.phase, b.phase) })
	phase := -1
	for _, j := range jobs {
		need := 1 + len(j.terms)
		if need > deviceJobs || j.tickets > deviceTickets || j.blocks > math.MaxInt32 ||
			slices.Max(j.num[:]) > math.MaxInt32 {
			return nil, fmt.Errorf("group: a job of %d terms, %d tickets, %d blocks, %d elements is too large",
				need, j.tickets, j.blocks, j.num[numN])
		}
		var l *launch
		if len(list) > 0 && j.phase == phase {
			l = list[len(list)-1]
		}
		if l == nil || len(l.jobs)+need > deviceJobs || l.tickets+j.tickets > deviceTickets ||
			l.blocks+j.blocks > math.MaxInt32 {
			l = &launch{}
			list = append(list, l)
		}
		phase = j.phase
		l.add(j)
	}
	return list, nil
}

func (l *launch) add(j *job) {
	j.num[numTicket], j.num[numTerms] = l.tickets, 1+len(j.terms)
	for i, t := range append([]*job{j}, j.terms...) {
		t.num[numFirst], t.num[numLead] = l.blocks, i
		if i > 0 {
			t.num[numTerms] = 1
		}
		l.jobs = append(l.jobs, t)
	}
	l.blocks += j.blocks
	l.tickets += j.tickets
}

// arrange places buffers in the working memory, so that those of one phase do not overlap, and returns its
// size.
func arrange(jobs []*job) (bytes int) {
	var list []*buffer
	seen := map[*buffer]bool{}
	for _, j := range jobs {
		for _, t := range append([]*job{j}, j.terms...) {
			for _, r := range t.ref {
				if r.buffer == nil || r.space != 1 {
					continue
				}
				if !seen[r.buffer] {
					seen[r.buffer] = true
					r.first, r.last = j.phase, j.phase
					list = append(list, r.buffer)
				}
				r.first, r.last = min(r.first, j.phase), max(r.last, j.phase)
			}
		}
	}
	slices.SortStableFunc(list, func(a, b *buffer) int { return cmp.Compare(b.size, a.size) })
	var placed []*buffer // in the order of their places
	for _, b := range list {
		const unit = 256
		b.size = (b.size + unit - 1) / unit * unit
		b.at = 0
		for _, other := range placed {
			if other.last < b.first || b.last < other.first {
				continue
			}
			if b.at+b.size <= other.at {
				break
			}
			b.at = max(b.at, other.at+other.size)
		}
		i, _ := slices.BinarySearchFunc(placed, b.at, func(p *buffer, at int) int { return cmp.Compare(p.at, at) })
		placed = slices.Insert(placed, i, b)
		bytes = max(bytes, b.at+b.size)
	}
	return bytes
}
