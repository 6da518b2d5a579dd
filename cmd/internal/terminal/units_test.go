package terminal

import "testing"

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int{"8GB": 8e9, "512MB": 512e6, "1.5GiB": 3 << 29, "100": 100} {
		if got, err := ParseSize(text); got != want || err != nil {
			t.Errorf("%s is %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "GB", "-1GB", "NaN", "1e300GB", "8 gigabytes"} {
		if got, err := ParseSize(text); err == nil {
			t.Errorf("%q is %d, want an error", text, got)
		}
	}
}
