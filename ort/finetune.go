package ort

// #include "api.h"
import "C"

import (
	"context"
	"fmt"
)

// Artifacts are the models of ONNX Runtime's on-device training, as the Python package
// onnxruntime.training.artifacts makes them. In the training model, a parameter NAME that the state
// marks as trainable has the input NAME_grad.accumulation.buffer, to which a step adds the
// gradient. The evaluation model takes the same parameters in the same order.
type Artifacts struct{ Train, Eval, Optimizer []byte }

// FineTuner trains with ONNX Runtime's protocol: a step bound by Bind, OptimizerStep,
// LazyResetGrad. Its State owns it.
type FineTuner struct {
	*Trainer
	evalInputs  []Port // without the parameters
	evalOutputs []Port
}

// NewFineTuner makes a session of the three models. It does not keep the bytes.
func NewFineTuner(s *State, a Artifacts, o Options) (*FineTuner, error) {
	for name, model := range map[string][]byte{"evaluation": a.Eval, "optimizer": a.Optimizer} {
		if len(model) == 0 {
			return nil, fmt.Errorf("create fine-tuner: %w: that of the %s is empty", ErrModel, name)
		}
	}
	t, err := newTrainer(s, a, o)
	if err != nil {
		return nil, err
	}
	f := &FineTuner{Trainer: t}
	inputs, outputs, err := ports(a.Eval)
	if err != nil {
		t.Close()
		return nil, err
	}
	for _, p := range inputs {
		if _, isParam := s.shapes[p.Name]; !isParam {
			f.evalInputs = append(f.evalInputs, p)
		}
	}
	f.evalOutputs = outputs
	return f, nil
}

// BindEval fixes the tensors of a step of the evaluation model, as Bind does for training.
func (f *FineTuner) BindEval(inputs, outputs map[string]*Tensor) (*Step, error) {
	st, err := bind(f.evalInputs, f.evalOutputs, inputs, outputs, true)
	if err != nil {
		return nil, err
	}
	return f.own(st, evaluation{f.Trainer})
}

// evaluation is the owner of an evaluation model's steps.
type evaluation struct{ *Trainer }

func (e evaluation) run(_ context.Context, b *C.zos_binding) error {
	return check("evaluation step", C.zos_eval_step(e.session, b))
}

// OptimizerStep updates the trainable parameters with their gradients.
func (f *FineTuner) OptimizerStep() error {
	return f.call("optimizer step", func() *C.OrtStatus { return C.zos_optimizer_step(f.session) })
}

// LazyResetGrad makes the next training step start the gradient sums afresh.
func (f *FineTuner) LazyResetGrad() error {
	return f.call("reset gradients", func() *C.OrtStatus { return C.zos_reset_grad(f.session) })
}

// SetLearningRate sets the rate of the following optimizer steps; the initial rate is 0.001.
func (f *FineTuner) SetLearningRate(rate float32) error {
	return f.call("set learning rate",
		func() *C.OrtStatus { return C.zos_set_rate(f.session, C.float(rate)) })
}

func (f *FineTuner) call(what string, do func() *C.OrtStatus) error {
	if err := f.enter(); err != nil {
		return err
	}
	defer f.leave()
	return check(what, do())
}
