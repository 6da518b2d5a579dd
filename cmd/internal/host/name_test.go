package host

import (
	"runtime"
	"testing"
	"testing/fstest"
)

func TestCPU(t *testing.T) {
	for text, want := range map[string]string{
		"processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\n\nprocessor\t: 1\nmodel name\t: Other\n": "Some CPU @ 2 GHz",
		"processor\t: 0\nCPU part\t: 0xd08\n\nModel\t\t: Raspberry Pi 4 Model B Rev 1.4\n":        "Raspberry Pi 4 Model B Rev 1.4",
		"model name\t:\n": runtime.GOARCH,
	} {
		if got := cpuIn(fstest.MapFS{"proc/cpuinfo": {Data: []byte(text)}}); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	if got := cpuIn(fstest.MapFS{}); got != runtime.GOARCH {
		t.Errorf("without cpuinfo: %q", got)
	}
	if Name() == "" {
		t.Error("the machine has no name")
	}
}
