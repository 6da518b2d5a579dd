package cluster

import (
	"os"
	"path/filepath"
	"testing"

	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/yaml"
)

const manifests = "../../cmd/internal/cells/testdata/job*.yaml"

// TestStrict: the manifests hold no field that the API does not know, and none of another type.
func TestStrict(t *testing.T) {
	files, err := filepath.Glob(manifests)
	if err != nil || len(files) < 2 {
		t.Fatalf("%d manifests: %v", len(files), err)
	}
	for _, path := range files {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var j batch.Job
		if err := yaml.UnmarshalStrict(b, &j); err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		wantJob(t, j)
	}
	var j batch.Job
	if yaml.UnmarshalStrict([]byte("spec: {backofflimit: 1, retries: 2}"), &j) == nil {
		t.Error("the decoder takes fields that the API does not have")
	}
}

// wantJob checks the rules that the types do not tell: those of the comments in k8s.io/api/batch/v1/types.go.
func wantJob(t *testing.T, j batch.Job) {
	t.Helper()
	s, pod := j.Spec, j.Spec.Template.Spec
	if j.APIVersion != batch.SchemeGroupVersion.String() || j.Kind != "Job" {
		t.Errorf("it is a %s of %s", j.Kind, j.APIVersion)
	}
	// The name of a pod is that of the job, its index and five letters more; both are labels.
	if errs := validation.IsDNS1123Label(j.Name + "-99999-abcde"); len(errs) > 0 {
		t.Errorf("name %s: %v", j.Name, errs)
	}
	for key, value := range j.Labels {
		if errs := append(validation.IsQualifiedName(key), validation.IsValidLabelValue(value)...); len(errs) > 0 {
			t.Errorf("label %s=%s: %v", key, value, errs)
		}
	}
	for key := range j.Annotations {
		if errs := validation.IsQualifiedName(key); len(errs) > 0 {
			t.Errorf("annotation %s: %v", key, errs)
		}
	}
	switch {
	case s.CompletionMode == nil || *s.CompletionMode != batch.IndexedCompletion || s.Completions == nil || *s.Completions < 1:
		t.Error("an indexed job has the number of its indexes")
	case s.Parallelism == nil || *s.Parallelism < 1 || *s.Parallelism > *s.Completions:
		t.Errorf("parallelism %v of %d", s.Parallelism, *s.Completions)
	case s.BackoffLimitPerIndex == nil || pod.RestartPolicy != core.RestartPolicyNever:
		t.Error("a limit of every index goes with pods that are not restarted")
	case s.PodFailurePolicy != nil && (s.PodReplacementPolicy == nil || *s.PodReplacementPolicy != batch.Failed):
		t.Error("a failure policy goes with the replacement of pods that have failed")
	}
	if len(pod.Volumes) != 1 || pod.Volumes[0].PersistentVolumeClaim == nil || len(pod.Containers) != 1 {
		t.Fatalf("pod %+v", pod)
	}
	wantContainer(t, pod.Containers[0], pod.Volumes[0].Name)
}

func wantContainer(t *testing.T, c core.Container, volume string) {
	t.Helper()
	if len(c.VolumeMounts) != 1 || c.VolumeMounts[0].Name != volume {
		t.Errorf("mounts %+v", c.VolumeMounts)
	}
	memory, limit := c.Resources.Requests[core.ResourceMemory], c.Resources.Limits[core.ResourceMemory]
	if memory.Value() != 2862<<20 || limit.Cmp(memory) != 0 || c.Resources.Requests.Cpu().Value() != 4 {
		t.Errorf("resources %+v", c.Resources)
	}
	if c.SecurityContext.AllowPrivilegeEscalation == nil || *c.SecurityContext.AllowPrivilegeEscalation {
		t.Error("the container may get more rights")
	}
}
