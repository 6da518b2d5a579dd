package report

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"zos-ort/graphgen/check"
)

// records splits a TFRecord file and checks its sums.
func records(t *testing.T, file []byte) (list [][]byte) {
	t.Helper()
	for len(file) > 0 {
		n := binary.LittleEndian.Uint64(file)
		if masked(file[:8]) != binary.LittleEndian.Uint32(file[8:]) || masked(file[12:12+n]) != binary.LittleEndian.Uint32(file[12+n:]) {
			t.Fatal("a checksum is wrong")
		}
		list, file = append(list, file[12:12+n]), file[16+n:]
	}
	return list
}

// TestChecksum is that of the format's own example: CRC-32C of 32 zero bytes is 8a9136aa (RFC 3720, B.4).
func TestChecksum(t *testing.T) {
	crc := uint32(0x8a9136aa)
	if got, want := masked(make([]byte, 32)), bits.RotateLeft32(crc, 17)+0xa282ead8; got != want {
		t.Errorf("got %x, want %x", got, want)
	}
}

// TestEvents: a file has its version, the settings, an event per epoch, and at last the cells; it only grows.
func TestEvents(t *testing.T) {
	dir := copied(t, "search")
	metrics, result := readText(t, dir, "metrics.csv"), readText(t, dir, "result.json")
	lines := strings.SplitAfter(metrics, "\n")
	write(t, strings.Join(lines[:5], ""), dir, "metrics.csv")
	if err := os.Remove(filepath.Join(dir, "result.json")); err != nil {
		t.Fatal(err)
	}
	events := func() []byte {
		if err := Write(dir); err != nil {
			t.Fatal(err)
		}
		return []byte(readText(t, dir, eventsName))
	}
	early := events()
	if n := len(records(t, early)); n != 2+4 {
		t.Errorf("%d records after 4 epochs, want 6", n)
	}
	inode := check.Must(os.Stat(filepath.Join(dir, eventsName)))(t)
	write(t, metrics, dir, "metrics.csv")
	write(t, result, dir, "result.json")
	late := events()
	list := records(t, late)
	if len(list) != 2+12+1 || !bytes.HasPrefix(late, early) {
		t.Errorf("%d records, want 15 that begin with the early ones", len(list))
	}
	if !os.SameFile(inode, check.Must(os.Stat(filepath.Join(dir, eventsName)))(t)) {
		t.Error("the file was replaced: TensorBoard reads the old one")
	}
	last := string(list[13])
	for _, tag := range []string{"loss/train", "accuracy/valid", "entropy/normal", "operations/sep_conv_3x3", "seconds/alpha_steps",
		"alphas/normal", "alphas/reduce", "lr"} {
		if !strings.Contains(last, tag) {
			t.Errorf("no tag %s", tag)
		}
	}
	write(t, "damaged", dir, eventsName)
	if again := events(); !bytes.Equal(again, late) {
		t.Error("damaged events are not written anew")
	}
	if number, kind, n := protowire.ConsumeTag(list[0]); number != eventTime || kind != protowire.Fixed64Type || n != 1 {
		t.Error("an event does not begin with its time")
	}
}
