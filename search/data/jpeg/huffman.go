package jpeg

import "errors"

// zigzag is the place in a block of the coefficients in the order of the file.
var zigzag = [blockSize]uint8{
	0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
	35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55,
	62, 63,
}

const (
	lookBits   = 8
	longestLen = 16
)

// huffman decodes the codes of one table.
type huffman struct {
	look   [1 << lookBits]uint16 // length<<8 | value of short codes, by the next bits; 0 for others
	top    [longestLen + 1]int32 // the highest code of each length; -1 for none
	offset [longestLen + 1]int32 // index of a value less its code
	values []byte
}

// huffmanTables reads a DHT segment.
func (d *decoder) huffmanTables(b []byte) error {
	for len(b) > 0 {
		class, id := b[0]>>4, b[0]&15
		if class > 1 || id > 3 || len(b) < 1+longestLen {
			return errors.New("damaged Huffman table")
		}
		lengths, total := b[1:1+longestLen], 0
		for _, n := range lengths {
			total += int(n)
		}
		if b = b[1+longestLen:]; total > 256 || total > len(b) {
			return errors.New("damaged Huffman table")
		}
		t, err := newHuffman(lengths, b[:total])
		if err != nil {
			return err
		}
		if b = b[total:]; class == 0 {
			d.dc[id] = t
		} else {
			d.ac[id] = t
		}
	}
	return nil
}

func newHuffman(lengths, values []byte) (*huffman, error) {
	t := &huffman{values: values}
	code, at := int32(0), int32(0)
	for n := 1; n <= longestLen; n++ {
		count := int32(lengths[n-1])
		t.offset[n], t.top[n] = at-code, code+count-1
		if count == 0 {
			t.top[n] = -1
		}
		if code+count > 1<<n {
			return nil, errors.New("damaged Huffman table")
		}
		for i := range count {
			if n > lookBits {
				break
			}
			first := (code + i) << (lookBits - n)
			for j := range int32(1) << (lookBits - n) {
				t.look[first+j] = uint16(n)<<8 | uint16(values[at+i])
			}
		}
		code, at = (code+count)<<1, at+count
	}
	return t, nil
}

// bits reads the entropy-coded data of a scan. Behind its end it gives zeros and counts them.
type bits struct {
	data   []byte
	pos    int
	buffer uint64 // the lowest count bits are still to come
	count  int
	padded int // of them were made up
}

func (b *bits) fill() {
	for b.count <= 48 {
		v := uint64(0)
		switch {
		case b.pos >= len(b.data):
			b.padded += 8
		case b.data[b.pos] != 0xff:
			v = uint64(b.data[b.pos])
			b.pos++
		case b.pos+1 < len(b.data) && b.data[b.pos+1] == 0: // a stuffed byte
			v = 0xff
			b.pos += 2
		default: // a marker
			b.padded += 8
		}
		b.buffer, b.count = b.buffer<<8|v, b.count+8
	}
}

// exhausted says whether bits were read that are not there.
func (b *bits) exhausted() bool { return b.count < b.padded }

// take gives the next n bits, up to 16.
func (b *bits) take(n int) int32 {
	if b.count < n {
		b.fill()
	}
	b.count -= n
	return int32(b.buffer>>b.count) & (1<<n - 1)
}

// signed gives the next n bits as the difference that they stand for (T.81, F.2.2.1).
func (b *bits) signed(n int) int32 {
	if n == 0 {
		return 0
	}
	v := b.take(n)
	if v < 1<<(n-1) {
		v -= 1<<n - 1
	}
	return v
}

// symbol decodes a Huffman code. One that does not exist gives 0 and uses up all bits, which the end of the MCU
// will notice.
func (b *bits) symbol(t *huffman) int {
	if b.count < longestLen {
		b.fill()
	}
	next := int32(b.buffer>>(b.count-longestLen)) & (1<<longestLen - 1)
	if l := t.look[next>>(longestLen-lookBits)]; l != 0 {
		b.count -= int(l >> 8)
		return int(l & 255)
	}
	for n := lookBits + 1; n <= longestLen; n++ {
		if code := next >> (longestLen - n); code <= t.top[n] {
			b.count -= n
			return int(t.values[t.offset[n]+code])
		}
	}
	b.padded = b.count + 1
	return 0
}
