package ort

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"unsafe"
)

// Triple is an operator in a domain of our own, written as any custom kernel would be: struct
// OrtCustomOp of API 28 by position, and the functions of the kernel context by theirs.
const tripleSource = `
#include <stddef.h>
#include <stdint.h>
typedef void *const *table;
static table api;
#define ORT(i, type) ((type)api[i])
static void *create(const void *op, table a, const void *info) { api = a; return &api; }
static const char *name(const void *op) { return "Triple"; }
static const char *cpu(const void *op) { return 0; }
static int kind(const void *op, size_t i) { return 1; }
static size_t one(const void *op) { return 1; }
static int required(const void *op, size_t i) { return 0; }
static int memory(const void *op, size_t i) { return 0; }
static void destroy(void *kernel) {}
static void compute(void *kernel, void *context) {
  const void *in = 0; void *out = 0, *info = 0; float *x = 0, *y = 0;
  int64_t dims[8]; size_t rank = 0, n = 0;
  ORT(90, void *(*)(void *, size_t, const void **))(context, 0, &in);
  ORT(65, void *(*)(const void *, void **))(in, &info);
  ORT(61, void *(*)(const void *, size_t *))(info, &rank);
  ORT(62, void *(*)(const void *, int64_t *, size_t))(info, dims, rank);
  ORT(64, void *(*)(const void *, size_t *))(info, &n);
  ORT(99, void (*)(void *))(info);
  typedef void *(*get_output)(void *, size_t, const int64_t *, size_t, void **);
  ORT(91, get_output)(context, 0, dims, rank, &out);
  ORT(51, void *(*)(const void *, void **))(in, (void **)&x);
  ORT(51, void *(*)(void *, void **))(out, (void **)&y);
  for (size_t i = 0; i < n; i++) y[i] = 3 * x[i];
}
static int zero(const void *op) { return 0; }
static int version1(const void *op) { return 1; }
static union { struct { uint32_t version; void *f[25]; } op; void *table[424]; } u = { { 28, {
  create, name, cpu, kind, one, kind, one, compute, destroy, required, required, memory,
  zero, version1, zero, version1, 0, 0, 0, version1, version1, 0, 0, 0, 0 } } };
static void *get(unsigned v) { return &u; }
static const char *version(void) { return "0"; }
static struct { void *get; void *version; } base = { get, version };
void *OrtGetApiBase(void) { return &base; }
`

// tripleOp loads the operator. Tests cannot use cgo, but load returns what a library gives as its
// API table; this library gives the operator, in a table without training.
func tripleOp(t *testing.T) unsafe.Pointer {
	t.Helper()
	lib, err := load(compile(t, tripleSource))
	wantErr(t, err, ErrNoTraining)
	return unsafe.Pointer(lib.api)
}

func tripleModel() []byte {
	return new(model).in("x", Float, 2, 3).in(lazyReset, Bool).op("Triple", "zos.test",
		[]string{"x"}, []string{"y"}).out("y", Float, 2, 3).bytes("zos.test")
}

func TestDomain(t *testing.T) {
	start(t)
	d := must(NewDomain("zos.test", tripleOp(t)))(t)
	o := Options{Threads: 1, Domains: []*Domain{d}}
	s := must(NewState(nil))(t)
	defer s.Close()
	tr := must(NewTrainer(s, tripleModel(), o))(t)
	n := must(NewInference(tripleModel(), o))(t)
	d.Close() // the sessions keep it
	d.Close()
	_, err := NewTrainer(s, tripleModel(), o)
	wantErr(t, err, ErrClosed, "zos.test")
	_, err = NewInference(tripleModel(), o)
	wantErr(t, err, ErrClosed, "zos.test")
	x, y := must(Of([]float32{1, 2, 3, 4, 5, 6}, 2, 3))(t), must(NewTensor(Float, 2, 3))(t)
	reset := must(NewTensor(Bool))(t)
	defer x.Close()
	defer y.Close()
	defer reset.Close()
	st := must(tr.Bind(map[string]*Tensor{"x": x}, map[string]*Tensor{"y": y}))(t)
	ok(t, st.Run())
	out := must(n.Run(context.Background(), map[string]*Tensor{"x": x, lazyReset: reset}))(t)
	defer out["y"].Close()
	for i, v := range x.Float32() {
		if y.Float32()[i] != 3*v || out["y"].Float32()[i] != 3*v {
			t.Errorf("three times %v is %v in training, %v in inference", x.Float32(), y.Float32(),
				out["y"].Float32())
			break
		}
	}
	tr.Close()
	if n := process.live["domain"]; n != 1 {
		t.Errorf("%d domains alive while a session uses one", n)
	}
	n.Close()
	if n := process.live["domain"]; n != 0 {
		t.Errorf("%d domains alive after the last session", n)
	}
	_, err = NewDomain("zos.test", nil)
	if err == nil {
		t.Error("made a domain of a nil operator")
	}
	_, err = NewInference(tripleModel(), Options{})
	ortErr(t, err, "zos.test")
}

// TestDomainMetAtOnce makes the first sessions of a domain side by side, with domains of many names,
// as ONNX Runtime meets a name once a process.
func TestDomainMetAtOnce(t *testing.T) {
	start(t)
	triple := tripleOp(t)
	for i := range 100 {
		name := fmt.Sprintf("zos.met%d", i)
		d := must(NewDomain(name, triple))(t)
		o := Options{Threads: 1, Domains: []*Domain{d}}
		bytes := new(model).in("x", Float, 2, 3).in(lazyReset, Bool).op("Triple", name, []string{"x"}, []string{"y"}).
			out("y", Float, 2, 3).bytes(name)
		ready := make(chan struct{})
		var all sync.WaitGroup
		for range 4 {
			s := must(NewState(nil))(t)
			defer s.Close()
			all.Go(func() {
				<-ready
				tr, err := NewTrainer(s, bytes, o)
				if err != nil {
					t.Error(err)
					return
				}
				tr.Close()
			})
		}
		close(ready)
		all.Wait()
		d.Close()
	}
}
