package ort

// #include "api.h"
import "C"

import (
	"fmt"
	"slices"
	"sync"
	"unsafe"
)

// Domain is a set of custom operators, for the sessions whose Options name it. It owns ONNX
// Runtime's OrtCustomOpDomain. It does not own the operators (struct OrtCustomOp of API 28, in C
// memory), which must live as long as the process uses them, so make them static.
type Domain struct {
	name   string
	mu     sync.Mutex
	domain *C.OrtCustomOpDomain
	refs   int // 1 until closed, plus 1 per session
	closed bool
}

// NewDomain makes a domain from the given operators, each the address of a struct OrtCustomOp.
func NewDomain(name string, ops ...unsafe.Pointer) (*Domain, error) {
	if err := process.acquire("domain"); err != nil {
		return nil, err
	}
	cName := C.CString(name)
	defer C.zos_memory_free(unsafe.Pointer(cName))
	d := &Domain{name: name, refs: 1}
	err := check("new domain", C.zos_domain_create(cName, &d.domain))
	if err != nil {
		process.release("domain")
		return nil, err
	}
	for i, op := range ops {
		if op == nil {
			err = fmt.Errorf("new domain: operator %d of %s is nil", i, name)
		} else {
			err = check("new domain", C.zos_domain_add(d.domain, (*C.OrtCustomOp)(op)))
		}
		if err != nil {
			d.Close()
			return nil, err
		}
	}
	return d, nil
}

// Name is the name of the domain in models.
func (d *Domain) Name() string { return d.name }

// Close frees the domain, at once or when the last session made with it is closed.
func (d *Domain) Close() {
	if d == nil {
		return
	}
	d.mu.Lock()
	closed := d.closed
	d.closed = true
	d.mu.Unlock()
	if !closed {
		d.drop()
	}
}

func (d *Domain) register(options *C.OrtSessionOptions) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return fmt.Errorf("domain %s: %w", d.name, ErrClosed)
	}
	return check("register domain "+d.name, C.zos_domain_register(options, d.domain))
}

func (d *Domain) drop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.refs--; d.refs == 0 {
		C.zos_domain_release(d.domain)
		d.domain = nil
		process.release("domain")
	}
}

// retainAll keeps domains alive for a session; the returned function releases them.
func retainAll(domains []*Domain) (func(), error) {
	var kept []*Domain
	release := func() {
		for _, d := range kept {
			d.drop()
		}
	}
	for _, d := range domains {
		d.mu.Lock()
		if d.closed {
			d.mu.Unlock()
			release()
			return nil, fmt.Errorf("domain %s: %w", d.name, ErrClosed)
		}
		d.refs++
		d.mu.Unlock()
		kept = append(kept, d)
	}
	return release, nil
}

// known names the domains that sessions of this process were made with. ONNX Runtime keeps the
// versions of all domains in one map, which a session that finds its domain missing extends; two that
// find it missing at once fail. So the first session of a domain is made alone, and later ones side
// by side.
var known = struct {
	making sync.RWMutex // held for reading while a session of known domains is made
	names  map[string]bool
}{names: map[string]bool{}}

// introduced runs create, which makes a session of the domains.
func introduced(domains []*Domain, create func() error) error {
	known.making.RLock()
	met := !slices.ContainsFunc(domains, func(d *Domain) bool { return !known.names[d.name] })
	if met {
		defer known.making.RUnlock()
		return create()
	}
	known.making.RUnlock()
	known.making.Lock()
	defer known.making.Unlock()
	if err := create(); err != nil {
		return err
	}
	for _, d := range domains {
		known.names[d.name] = true
	}
	return nil
}
