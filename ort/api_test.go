package ort

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// proofs names, for each position of the function tables, a test that calls the function and would
// fail if another function were there. The tests that want flat resident memory (and no crash)
// prove the functions that release.
var proofs = map[string]string{
	"GetErrorCode":                               "TestTrainerRefuses",
	"GetErrorMessage":                            "TestTrainerRefuses",
	"CreateEnv":                                  "TestOpenAndClose",
	"Run":                                        "TestInferenceRun",
	"CreateCustomOpDomain":                       "TestDomain",
	"CustomOpDomain_Add":                         "TestDomain",
	"AddCustomOpDomain":                          "TestDomain",
	"CreateTensorWithDataAsOrtValue":             "TestMomentumConverges",
	"GetTensorMutableData":                       "TestInferenceRun",
	"GetTensorElementType":                       "TestInferenceRun",
	"GetDimensionsCount":                         "TestInferenceRun",
	"GetDimensions":                              "TestInferenceRun",
	"GetTensorTypeAndShape":                      "TestInferenceRun",
	"CreateMemoryInfo":                           "TestStats",
	"AllocatorFree":                              "TestNoLeakInObjects",
	"GetAllocatorWithDefaultOptions":             "TestStateGetSet",
	"ReleaseEnv":                                 "TestOpenAndClose",
	"ReleaseStatus":                              "TestNoLeakInFailures",
	"ReleaseMemoryInfo":                          "TestOpenAndClose",
	"ReleaseValue":                               "TestNoLeakInSteps",
	"ReleaseTensorTypeAndShapeInfo":              "TestNoLeakInObjects",
	"ReleaseCustomOpDomain":                      "TestDomain",
	"GetAvailableProviders":                      "TestOpenAndClose",
	"ReleaseAvailableProviders":                  "TestOpenAndClose",
	"CreateAllocator":                            "TestStats",
	"ReleaseAllocator":                           "TestStats",
	"GetTrainingApi":                             "TestMomentumConverges",
	"GetBuildInfoString":                         "TestOpenAndClose",
	"UpdateCUDAProviderOptionsWithValue":         "TestPoolServesSessions",
	"GetKeyValuePairs":                           "TestStats",
	"ReleaseKeyValuePairs":                       "TestStats",
	"AllocatorGetStats":                          "TestStats",
	"CreateAndRegisterAllocator":                 "TestArena",
	"CreateArenaCfgV2":                           "TestArena",
	"ReleaseArenaCfg":                            "TestArena",
	"UnregisterAllocator":                        "TestArena",
	"RegisterAllocator":                          "TestLedger",
	"AddRunConfigEntry":                          "TestGraphs",
	"MemoryInfoGetName":                          "TestGraphs",
	"SessionGetMemoryInfoForInputs":              "TestGraphs",
	"SessionGetMemoryInfoForOutputs":             "TestGraphs",
	"SessionGetProfilingStartTimeNs":             "TestProfilingStart",
	"SaveCheckpoint":                             "TestStateSaveLoad",
	"CreateTrainingSessionFromBuffer":            "TestMomentumConverges",
	"TrainStep":                                  "TestMomentumConverges",
	"EvalStep":                                   "TestFineTune",
	"OptimizerStep":                              "TestFineTune",
	"LazyResetGrad":                              "TestFineTune",
	"SetLearningRate":                            "TestFineTune",
	"ReleaseTrainingSession":                     "TestNoLeakInObjects",
	"ReleaseCheckpointState":                     "TestNoLeakInObjects",
	"LoadCheckpointFromBuffer":                   "TestStateGetSet",
	"UpdateParameter":                            "TestStateGetSet",
	"GetParameter":                               "TestStateGetSet",
	"TrainingSessionGetTrainingModelOutputCount": "TestMomentumConverges",
	"TrainingSessionGetTrainingModelOutputName":  "TestMomentumConverges",
	"TrainingSessionGetTrainingModelInputCount":  "TestMomentumConverges",
	"TrainingSessionGetTrainingModelInputName":   "TestMomentumConverges",
}

// The C code calls every declared position, and each has a test that exists.
func TestEveryPositionIsProved(t *testing.T) {
	read := func(pattern string) string {
		var b strings.Builder
		for _, e := range must(os.ReadDir("."))(t) {
			if ok, _ := regexp.MatchString(pattern, e.Name()); ok {
				b.Write(must(os.ReadFile(e.Name()))(t))
			}
		}
		return b.String()
	}
	header, calls, tests := read(`^api\.h$`), read(`\.c$`), read(`_test\.go$`)
	positions := regexp.MustCompile(`(?m)^  zos_(\w+) = \d+,$`).FindAllStringSubmatch(header, -1)
	if len(positions) != len(proofs) {
		t.Errorf("%d positions are declared, %d proved", len(positions), len(proofs))
	}
	for _, p := range positions {
		call := regexp.MustCompile(`(ORT|TRAINING|CALL)\((lib->api, |out->api, )?` + p[1] + `,`)
		if !call.MatchString(calls) {
			t.Errorf("%s is declared and not called", p[1])
		}
		if proof := proofs[p[1]]; proof == "" || !strings.Contains(tests, "func "+proof+"(") {
			t.Errorf("%s has no test (%q)", p[1], proof)
		}
	}
}
