package cluster

import (
	"os"
	"slices"
	"strings"
	"testing"

	kubeflow "github.com/kubeflow/mpi-operator/pkg/apis/kubeflow/v2beta1"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/yaml"
)

// TestMPIJob: the MPIJob of the documentation holds no field that the operator does not know, and starts as many ranks as
// it has slots.
func TestMPIJob(t *testing.T) {
	page, err := os.ReadFile("../../cmd/zos-ort/doc/machines.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(page), "```yaml\napiVersion: kubeflow.org/")
	text, _, ok := strings.Cut(text, "```")
	var j kubeflow.MPIJob
	if err := yaml.UnmarshalStrict([]byte("apiVersion: kubeflow.org/"+text), &j); err != nil || !ok {
		t.Fatalf("no MPIJob in the page: %v", err)
	}
	if j.APIVersion != kubeflow.SchemeGroupVersion.String() || j.Kind != kubeflow.Kind || len(validation.IsDNS1035Label(j.Name)) > 0 {
		t.Errorf("it is a %s of %s, %s", j.Kind, j.APIVersion, j.Name)
	}
	launcher, worker := j.Spec.MPIReplicaSpecs[kubeflow.MPIReplicaTypeLauncher], j.Spec.MPIReplicaSpecs[kubeflow.MPIReplicaTypeWorker]
	if len(j.Spec.MPIReplicaSpecs) != 2 || launcher == nil || worker == nil || worker.Replicas == nil || j.Spec.SlotsPerWorker == nil {
		t.Fatalf("replicas %+v", j.Spec.MPIReplicaSpecs)
	}
	command := launcher.Template.Spec.Containers[0].Command
	want := []string{"mpirun", "-n", "4", "zos-ort", "search"}
	if *worker.Replicas**j.Spec.SlotsPerWorker != 4 || len(command) < len(want) || !slices.Equal(command[:len(want)], want) {
		t.Errorf("%d workers with %d slots run %v", *worker.Replicas, *j.Spec.SlotsPerWorker, command)
	}
	wantShared(t, worker.Template.Spec, "/data", "/runs")
	if yaml.UnmarshalStrict([]byte("spec: {slotPerWorker: 1}"), &j) == nil {
		t.Error("the decoder takes fields that the operator does not have")
	}
}

// wantShared: the ranks are in the workers, whose folders are on a volume that they have. A worker without a command
// runs sshd, as the operator sets it.
func wantShared(t *testing.T, pod core.PodSpec, folders ...string) {
	t.Helper()
	c := pod.Containers[0]
	if len(c.Command)+len(c.Args) > 0 {
		t.Errorf("a worker runs %v in place of sshd", c.Command)
	}
	var mounted []string
	for _, m := range c.VolumeMounts {
		if slices.ContainsFunc(pod.Volumes, func(v core.Volume) bool { return v.Name == m.Name && v.PersistentVolumeClaim != nil }) {
			mounted = append(mounted, m.MountPath)
		}
	}
	if !slices.Equal(mounted, folders) {
		t.Errorf("mounted are %v, want %v", mounted, folders)
	}
}
