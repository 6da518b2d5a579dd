package report

import (
	"math"
	"strconv"
)

// number is a value of a chart. What is not finite becomes null, for JSON has no such numbers.
type number float64

var gap = number(math.NaN())

func (x number) known() bool { return !math.IsNaN(float64(x)) && !math.IsInf(float64(x), 0) }

// MarshalJSON writes five digits, which is more than a chart shows: a long search stays small.
func (x number) MarshalJSON() ([]byte, error) {
	if !x.known() {
		return []byte("null"), nil
	}
	return strconv.AppendFloat(nil, float64(x), 'g', 5, 64), nil
}

// counting are the numbers from first on.
func counting(first, n int) []number {
	list := make([]number, n)
	for i := range list {
		list[i] = number(first + i)
	}
	return list
}

// scaled multiplies all numbers.
func scaled(list []number, by float64) []number {
	out := make([]number, len(list))
	for i, x := range list {
		out[i] = x * number(by)
	}
	return out
}

func last(list []number) number {
	if len(list) == 0 {
		return gap
	}
	return list[len(list)-1]
}
