package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"zos-ort/graphgen"
	"zos-ort/graphgen/ir"
	"zos-ort/ort"
	"zos-ort/ort/kernels"
)

// measurement is what the runtime's arena counted during one run of a program.
type measurement struct {
	Before  int64 // bytes in use before the run: constants that the session copied
	Peak    int64 // most bytes in use, without Before
	Seconds float64
}

// measure runs the bytes of a program in an inference session, because a training session keeps no
// statistics. Inputs lie outside of the arena; outputs are made in it.
func measure(ctx context.Context, p *graphgen.Program, o ort.Options) (m measurement, err error) {
	domain, err := kernels.NewDomain()
	if err != nil {
		return m, err
	}
	defer domain.Close()
	o.CPUArena, o.Domains = true, append(o.Domains, domain)
	if o.CUDA != nil {
		if err := ort.ResetPool(); err != nil {
			return m, err
		}
	}
	session, err := ort.NewInference(p.Model, o)
	if err != nil {
		return m, fmt.Errorf("measure %s: %w", p.Name, err)
	}
	defer session.Close()
	inputs, err := randomInputs(p)
	defer closeTensors(inputs)
	if err != nil {
		return m, err
	}
	before, err := arena(session, o)
	if err != nil {
		return m, err
	}
	start := time.Now()
	outputs, err := session.Run(ctx, inputs)
	m.Seconds = time.Since(start).Seconds()
	closeTensors(outputs)
	if err != nil {
		return m, fmt.Errorf("measure %s: %w", p.Name, err)
	}
	after, err := arena(session, o)
	m.Before, m.Peak = before.InUse, after.MaxInUse-before.InUse
	if o.CUDA != nil {
		m.Peak -= portBytes(p) // a GPU's copies of the inputs are in the pool
	}
	return m, err
}

// arena reads what counts the memory of a session: its arena on the CPU, on a GPU the pool.
func arena(session *ort.Inference, o ort.Options) (ort.AllocatorStats, error) {
	if o.CUDA == nil {
		return session.Stats("Cpu")
	}
	s, err := ort.Pool()
	return ort.AllocatorStats{InUse: s.InUse, MaxInUse: s.Peak, TotalAllocated: s.Reserved}, err
}

// portBytes is the size of the inputs of a program, state included.
func portBytes(p *graphgen.Program) (bytes int64) {
	for _, port := range p.Signature.Inputs {
		bytes += int64(port.Type.Bytes())
	}
	return bytes
}

// randomInputs are tensors for all ports. What is in them does not matter for memory; small positive
// numbers keep the arithmetic away from infinity.
func randomInputs(p *graphgen.Program) (map[string]*ort.Tensor, error) {
	rng, inputs := rand.New(rand.NewPCG(1, 1)), map[string]*ort.Tensor{}
	for _, port := range p.Signature.Inputs {
		t, err := ort.NewTensor(ort.DType(port.Type.DType), port.Type.Shape...)
		if err != nil {
			return inputs, fmt.Errorf("measure %s: input %s: %w", p.Name, port.Name, err)
		}
		inputs[port.Name] = t
		if port.Type.DType == ir.Float {
			for i, v := 0, t.Float32(); i < len(v); i++ {
				v[i] = rng.Float32() * .1
			}
		}
	}
	return inputs, nil
}

func closeTensors(m map[string]*ort.Tensor) {
	for _, t := range m {
		t.Close()
	}
}
