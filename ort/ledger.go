package ort

// #include "api.h"
import "C"

import (
	"time"
	"unsafe"
)

// Ledger is the process's source of host memory for sessions with Options.Ledger. It writes down how much is in use,
// each time that this changes.
type Ledger struct{ release func() }

// Use is how much memory is in use from a time on, every block in a multiple of 256 bytes.
type Use struct {
	At    time.Time
	Bytes int64
}

// NewLedger begins a ledger. It takes the place of the arena of NewArena, of which a process has one or none. Close the
// sessions that use it before it.
func NewLedger() (*Ledger, error) {
	release, err := onlyArena("ledger", func() *C.OrtStatus { return C.zos_ledger_register(process.env) },
		func() *C.OrtStatus { return C.zos_ledger_unregister(process.env) })
	if err != nil {
		return nil, err
	}
	return &Ledger{release}, nil
}

// Take returns what was written down since the last call.
func (*Ledger) Take() []Use {
	var uses *C.zos_entry
	n := C.zos_ledger_take(&uses)
	defer C.zos_memory_free(unsafe.Pointer(uses))
	list := make([]Use, n)
	for i, u := range unsafe.Slice(uses, n) {
		list[i] = Use{time.Unix(0, int64(u.nanoseconds)), int64(u.bytes)}
	}
	return list
}

// Close ends the ledger.
func (l *Ledger) Close() {
	l.release()
	l.Take()
}
