package jpeg

// Constants of the inverse DCT, scaled by 1 << constBits. The names are the values in libjpeg's jidctint.c.
const (
	constBits = 13
	passBits  = 2

	fix0298 = 2446
	fix0390 = 3196
	fix0541 = 4433
	fix0765 = 6270
	fix0899 = 7373
	fix1175 = 9633
	fix1501 = 12299
	fix1847 = 15137
	fix1961 = 16069
	fix2053 = 16819
	fix2562 = 20995
	fix3072 = 25172
)

// transformAll makes the samples of a progressive component.
func (c *component) transformAll() {
	if c.quant == nil {
		return
	}
	for y := range c.down {
		for x := range c.across {
			c.transform((*[blockSize]int16)(c.coefficients[(y*c.across+x)*blockSize:]), x, y)
		}
	}
}

// transform makes the samples of a block of its coefficients: the inverse DCT of Loeffler, Ligtenberg and
// Moschytz, with the roundings of libjpeg.
func (c *component) transform(b *[blockSize]int16, x, y int) {
	var w [blockSize]int32
	for i, v := range b {
		w[i] = int32(v) * c.quant[i]
	}
	for i := range 8 {
		inverse(w[i:], 8, constBits-passBits)
	}
	stride := 8 * c.across
	at := 8*y*stride + 8*x
	for i := range 8 {
		row := w[8*i:]
		inverse(row, 1, constBits+passBits+3)
		for j, v := range row[:8] {
			c.samples[at+j] = clip(v + 128)
		}
		at += stride
	}
}

// inverse transforms eight values in place, divided by 1 << shift.
func inverse(w []int32, step int, shift uint) {
	z1 := (w[2*step] + w[6*step]) * fix0541
	even2, even3 := z1-w[6*step]*fix1847, z1+w[2*step]*fix0765
	even0, even1 := (w[0]+w[4*step])<<constBits, (w[0]-w[4*step])<<constBits
	t10, t13, t11, t12 := even0+even3, even0-even3, even1+even2, even1-even2

	t0, t1, t2, t3 := w[7*step], w[5*step], w[3*step], w[step]
	z1, z2, z3, z4 := t0+t3, t1+t2, t0+t2, t1+t3
	z5 := (z3 + z4) * fix1175
	z1, z2, z3, z4 = -z1*fix0899, -z2*fix2562, z5-z3*fix1961, z5-z4*fix0390
	t0 = t0*fix0298 + z1 + z3
	t1 = t1*fix2053 + z2 + z4
	t2 = t2*fix3072 + z2 + z3
	t3 = t3*fix1501 + z1 + z4

	half := int32(1) << (shift - 1)
	w[0], w[7*step] = (t10+t3+half)>>shift, (t10-t3+half)>>shift
	w[step], w[6*step] = (t11+t2+half)>>shift, (t11-t2+half)>>shift
	w[2*step], w[5*step] = (t12+t1+half)>>shift, (t12-t1+half)>>shift
	w[3*step], w[4*step] = (t13+t0+half)>>shift, (t13-t0+half)>>shift
}

func clip(v int32) uint8 { return uint8(min(255, max(0, v))) }
