package jpeg

import (
	"errors"
	"fmt"
	"slices"
)

// scan is one pass over some of the components.
type scan struct {
	*decoder
	bits
	comps    []*component
	from, to int // coefficients, in zigzag order
	high     int // successive approximation: the bit that came before, 0 for the first pass
	low      int
	endRun   int32 // blocks to come that have no more coefficients
}

// scan reads a SOS segment and the image data behind it.
func (d *decoder) scan(header []byte) error {
	if d.comps == nil {
		return errors.New("a scan without a frame header")
	}
	if d.scans++; d.scans > maxScans {
		return fmt.Errorf("more than %d scans", maxScans)
	}
	s := &scan{decoder: d, bits: bits{data: d.file, pos: d.at}}
	if err := s.readHeader(header); err != nil {
		return err
	}
	for _, c := range s.comps {
		if c.samples == nil {
			c.samples = make([]uint8, c.across*c.down*blockSize)
		}
		if d.progressive && c.coefficients == nil {
			c.coefficients = make([]int16, c.across*c.down*blockSize)
		}
	}
	if err := s.all(); err != nil {
		return err
	}
	for _, c := range s.comps {
		for k := s.from; k <= s.to; k++ {
			c.known[k] = uint8(1 + s.low)
		}
	}
	d.at = s.pos
	return nil
}

func (s *scan) readHeader(b []byte) error {
	if len(b) < 1 || len(b) != 4+2*int(b[0]) || b[0] < 1 || b[0] > 4 {
		return errors.New("scan header of a wrong length")
	}
	n := int(b[0])
	for i := range n {
		id, tables := int(b[1+2*i]), b[2+2*i]
		at := slices.IndexFunc(s.decoder.comps, func(c *component) bool { return c.id == id })
		if at < 0 || tables>>4 > 3 || tables&15 > 3 {
			return errors.New("damaged scan header")
		}
		c := s.decoder.comps[at]
		if slices.Contains(s.comps, c) {
			return errors.New("a component twice in a scan")
		}
		c.dcTable, c.acTable = s.dc[tables>>4], s.ac[tables&15]
		if c.quant == nil { // it is the table of the component's first scan that counts
			c.quant = s.quant[c.tq]
		}
		if c.quant == nil {
			return errors.New("a quantisation table is missing")
		}
		s.comps = append(s.comps, c)
	}
	s.from, s.to, s.high, s.low = int(b[1+2*n]), int(b[2+2*n]), int(b[3+2*n]>>4), int(b[3+2*n]&15)
	return s.check()
}

// check refuses passes that T.81 does not know, and passes without their tables.
func (s *scan) check() error {
	if !s.progressive {
		s.from, s.to, s.high, s.low = 0, blockSize-1, 0, 0
	} else if s.from > s.to || s.to >= blockSize || s.low > 13 || s.high > 13 || s.from == 0 && s.to != 0 ||
		s.from > 0 && len(s.comps) > 1 {
		return errors.New("damaged scan header")
	}
	for _, c := range s.comps {
		if s.from == 0 && s.high == 0 && c.dcTable == nil || s.to > 0 && c.acTable == nil {
			return errors.New("a Huffman table is missing")
		}
	}
	if blocksOf(s.comps, len(s.comps) == 1) > 10 {
		return errors.New("too many blocks in an MCU")
	}
	return nil
}

// all decodes every MCU of the scan.
func (s *scan) all() error {
	across, down := ceil(s.width, 8*s.hMax), ceil(s.height, 8*s.vMax)
	alone := len(s.comps) == 1
	if alone { // its blocks come without padding
		across, down = ceil(s.comps[0].width, 8), ceil(s.comps[0].height, 8)
	}
	if s.visits += across * down * blocksOf(s.comps, alone); s.visits > maxVisits {
		return fmt.Errorf("more than %d blocks in all scans", maxVisits)
	}
	s.begin()
	for i := range across * down {
		if s.restart > 0 && i > 0 && i%s.restart == 0 {
			if err := s.resync(i / s.restart); err != nil {
				return err
			}
		}
		mx, my := i%across, i/across
		for _, c := range s.comps {
			if alone {
				s.block(c, mx, my)
				continue
			}
			for j := range c.h * c.v {
				s.block(c, mx*c.h+j%c.h, my*c.v+j/c.h)
			}
		}
		if s.exhausted() {
			return s.ended()
		}
	}
	return nil
}

// blocksOf is the number of blocks in an MCU.
func blocksOf(comps []*component, alone bool) (n int) {
	if alone {
		return 1
	}
	for _, c := range comps {
		n += c.h * c.v
	}
	return n
}

// ended says why there are no more bits.
func (s *scan) ended() error {
	if s.pos >= len(s.data) {
		return ErrTruncated
	}
	return errors.New("the image data ends early or is damaged")
}

// begin forgets what a scan and a restart forget.
func (s *scan) begin() {
	s.buffer, s.count, s.padded, s.endRun = 0, 0, 0, 0
	for _, c := range s.comps {
		c.previous = 0
	}
}

// resync expects the restart marker of this number.
func (s *scan) resync(number int) error {
	for s.pos+1 < len(s.data) && s.data[s.pos] == 0xff && s.data[s.pos+1] == 0xff {
		s.pos++
	}
	if s.pos+1 >= len(s.data) {
		return ErrTruncated
	}
	if want := byte(rst0 + (number-1)%8); s.data[s.pos] != 0xff || s.data[s.pos+1] != want {
		return errors.New("a restart marker is missing")
	}
	s.pos += 2
	s.begin()
	return nil
}

// block decodes a block or a part of its coefficients.
func (s *scan) block(c *component, x, y int) {
	at := (y*c.across + x) * blockSize
	if !s.progressive {
		var b [blockSize]int16
		s.sequential(c, &b)
		c.transform(&b, x, y)
		return
	}
	b := (*[blockSize]int16)(c.coefficients[at:])
	switch {
	case s.from == 0 && s.high == 0:
		c.previous += s.signed(s.symbol(c.dcTable) & 15)
		b[0] = int16(c.previous << s.low)
	case s.from == 0:
		b[0] |= int16(s.take(1) << s.low)
	case s.high == 0:
		s.spectrum(c, b)
	default:
		s.refine(c, b)
	}
}

// sequential reads all coefficients of a block (T.81, F.2.2).
func (s *scan) sequential(c *component, b *[blockSize]int16) {
	c.previous += s.signed(s.symbol(c.dcTable) & 15)
	b[0] = int16(c.previous)
	for k := 1; k < blockSize; k++ {
		v := s.symbol(c.acTable)
		run, size := v>>4, v&15
		if size == 0 {
			if run != 15 {
				return
			}
			k += 15
			continue
		}
		k += run
		value := s.signed(size)
		if k < blockSize {
			b[zigzag[k]] = int16(value)
		}
	}
}

// spectrum reads a band of coefficients for the first time (T.81, G.1.2.2).
func (s *scan) spectrum(c *component, b *[blockSize]int16) {
	if s.endRun > 0 {
		s.endRun--
		return
	}
	for k := s.from; k <= s.to; k++ {
		v := s.symbol(c.acTable)
		run, size := v>>4, v&15
		if size == 0 {
			if run != 15 {
				s.endRun = 1<<run + s.take(run) - 1
				return
			}
			k += 15
			continue
		}
		k += run
		value := s.signed(size)
		if k <= s.to {
			b[zigzag[k]] = int16(value << s.low)
		}
	}
}

// refine adds a bit to a band of coefficients (T.81, G.1.2.3).
func (s *scan) refine(c *component, b *[blockSize]int16) {
	k, one := s.from, int16(1)<<s.low
	for ; s.endRun == 0 && k <= s.to; k++ {
		v := s.symbol(c.acTable)
		run, size := v>>4, v&15
		value := int16(0)
		switch {
		case size != 0:
			if value = -one; s.take(1) == 1 {
				value = one
			}
		case run != 15:
			s.endRun = 1<<run + s.take(run)
		}
		if s.endRun > 0 {
			break
		}
		for ; k <= s.to; k++ {
			if p := &b[zigzag[k]]; *p != 0 {
				s.correct(p, one)
				continue
			}
			if run == 0 {
				b[zigzag[k]] = value
				break
			}
			run--
		}
	}
	if s.endRun == 0 {
		return
	}
	for ; k <= s.to; k++ {
		if p := &b[zigzag[k]]; *p != 0 {
			s.correct(p, one)
		}
	}
	s.endRun--
}

// correct reads the next bit of a coefficient that is not zero.
func (s *scan) correct(p *int16, one int16) {
	if s.take(1) == 0 || *p&one != 0 {
		return
	}
	if *p >= 0 {
		*p += one
	} else {
		*p -= one
	}
}
