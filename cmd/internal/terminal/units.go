package terminal

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
)

// GiB prints bytes in GiB, with the unit.
func GiB(bytes int64) string { return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30)) }

// OrDash returns s, or "-" for the empty text.
func OrDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// Number prints a float so that it reads back exactly.
func Number(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

// Megabyte is 10^6 bytes, as sizes are printed.
const Megabyte = 1e6

// MB prints bytes in megabytes, without the unit.
func MB(bytes int) string { return fmt.Sprintf("%.1f", float64(bytes)/Megabyte) }

// ParseSize reads 8GB, 512MB, 1.5GiB or a number of bytes.
func ParseSize(s string) (int, error) {
	units := []struct {
		name string
		size float64
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"GB", 1e9}, {"MB", 1e6}, {"B", 1}, {"", 1}}
	for _, u := range units {
		text, ok := strings.CutSuffix(s, u.name)
		if !ok {
			continue
		}
		x, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil || !(x >= 1 && x*u.size < 1<<62) {
			break
		}
		return int(x * u.size), nil
	}
	return 0, fmt.Errorf("size %q: want a positive number with B, MB, MiB, GB or GiB", s)
}

// OptionalMB is MB, or "-" for 0.
func OptionalMB(bytes int) string {
	if bytes == 0 {
		return "-"
	}
	return MB(bytes)
}

// Ratio prints x / base where there are both.
func Ratio(x, base float64) string {
	if x == 0 || base == 0 {
		return "-"
	}
	return fmt.Sprintf("%.3f", x/base)
}

// OptionalSeconds prints seconds with that many decimals, or "-" for 0.
func OptionalSeconds(s float64, decimals int) string {
	if s == 0 {
		return "-"
	}
	return fmt.Sprintf("%.*f", decimals, s)
}

// Seconds prints seconds with three decimals.
func Seconds(s float64) string { return strconv.FormatFloat(s, 'f', 3, 64) }

// CSV encodes rows as a CSV file.
func CSV(rows [][]string) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	_ = w.WriteAll(rows) // a bytes.Buffer takes everything
	return b.Bytes()
}

// Milliseconds prints seconds in milliseconds.
func Milliseconds(s float64) string { return fmt.Sprintf("%.1f", 1e3*s) }

// Count is a number of things, such as "1 thread" or "2 threads".
func Count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Duration prints seconds as people say them: 45 s, 12 min, 3 h 20 min, 2 d 5 h.
func Duration(seconds float64) string {
	s := int(seconds + .5)
	switch {
	case s < 1:
		return "1 s"
	case s < 100:
		return fmt.Sprintf("%d s", s)
	case s < 100*60:
		return fmt.Sprintf("%d min", (s+30)/60)
	case s < 48*3600:
		m := (s + 30) / 60
		return fmt.Sprintf("%d h %d min", m/60, m%60)
	}
	h := (s + 1800) / 3600
	return fmt.Sprintf("%d d %d h", h/24, h%24)
}
