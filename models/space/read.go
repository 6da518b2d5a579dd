package space

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"unicode/utf16"
	"unicode/utf8"
)

// readText reads a text file. Of a run's folder it reads the file of that name, so that a run stands for what it found.
// UTF-16 with a byte order mark, as editors and shells of Windows write it, becomes UTF-8.
func readText(path, inFolder string) (file string, text []byte, err error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, inFolder)
		if _, err := os.Stat(path); err != nil {
			return path, nil, fmt.Errorf("the folder %s holds no %s", filepath.Dir(path), inFolder)
		}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return path, nil, err
	}
	b, err = toUTF8(b)
	if err != nil {
		return path, nil, fmt.Errorf("%s: %w", path, err)
	}
	return path, b, nil
}

// toUTF8 removes a byte order mark and decodes UTF-16.
func toUTF8(b []byte) ([]byte, error) {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(b, []byte{0xff, 0xfe}):
		order = binary.LittleEndian
	case bytes.HasPrefix(b, []byte{0xfe, 0xff}):
		order = binary.BigEndian
	default:
		b = bytes.TrimPrefix(b, []byte("\ufeff"))
		if !utf8.Valid(b) {
			return nil, fmt.Errorf("the file is not text in UTF-8 or UTF-16")
		}
		return b, nil
	}
	if len(b)%2 != 0 {
		return nil, fmt.Errorf("the file begins as UTF-16 and has an odd number of bytes, %d", len(b))
	}
	return []byte(fromUTF16(b[2:], order)), nil
}

// fromUTF16 decodes text without a byte order mark; an odd last byte is left out.
func fromUTF16(b []byte, order binary.ByteOrder) string {
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = order.Uint16(b[2*i:])
	}
	return string(utf16.Decode(units))
}
