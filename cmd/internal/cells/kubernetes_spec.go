package cells

import (
	"fmt"
	"maps"
	"strconv"
)

// The parts of a Job (batch/v1) that a sweep needs. A test decodes them strictly into the types of the API.
type jobObject struct {
	APIVersion string   `yaml:"apiVersion"`
	Kind       string   `yaml:"kind"`
	Metadata   metadata `yaml:"metadata"`
	Spec       jobSpec  `yaml:"spec"`
}

type metadata struct {
	Name        string            `yaml:"name,omitempty"`
	Namespace   string            `yaml:"namespace,omitempty"`
	Labels      map[string]string `yaml:"labels,omitempty"`
	Annotations map[string]string `yaml:"annotations,omitempty"`
}

type jobSpec struct {
	Completions    int           `yaml:"completions"`
	Parallelism    int           `yaml:"parallelism"`
	CompletionMode string        `yaml:"completionMode"`
	Retries        int           `yaml:"backoffLimitPerIndex"`
	Replacement    string        `yaml:"podReplacementPolicy"`
	FailurePolicy  failurePolicy `yaml:"podFailurePolicy"`
	Template       podTemplate   `yaml:"template"`
}

type failurePolicy struct {
	Rules []failureRule `yaml:"rules"`
}

type failureRule struct {
	Action     string         `yaml:"action"`
	Conditions []podCondition `yaml:"onPodConditions"`
}

type podCondition struct {
	Type   string `yaml:"type"`
	Status string `yaml:"status"`
}

type podTemplate struct {
	Metadata metadata `yaml:"metadata"`
	Spec     podSpec  `yaml:"spec"`
}

type podSpec struct {
	RestartPolicy string      `yaml:"restartPolicy"`
	Token         bool        `yaml:"automountServiceAccountToken"`
	Grace         int         `yaml:"terminationGracePeriodSeconds"`
	Security      podSecurity `yaml:"securityContext"`
	Containers    []container `yaml:"containers"`
	Volumes       []volume    `yaml:"volumes"`
}

type podSecurity struct {
	User    int     `yaml:"runAsUser"`
	Group   int     `yaml:"runAsGroup"`
	NonRoot bool    `yaml:"runAsNonRoot"`
	Seccomp typeKey `yaml:"seccompProfile"`
}

type typeKey struct {
	Type string `yaml:"type"`
}

type container struct {
	Name      string            `yaml:"name"`
	Image     string            `yaml:"image"`
	Command   []string          `yaml:"command"`
	Resources resources         `yaml:"resources"`
	Security  containerSecurity `yaml:"securityContext"`
	Mounts    []volumeMount     `yaml:"volumeMounts"`
}

type resources struct {
	Requests map[string]string `yaml:"requests"`
	Limits   map[string]string `yaml:"limits"`
}

type containerSecurity struct {
	Escalation   bool         `yaml:"allowPrivilegeEscalation"`
	Capabilities capabilities `yaml:"capabilities"`
}

type capabilities struct {
	Drop []string `yaml:"drop"`
}

type volumeMount struct {
	Name string `yaml:"name"`
	Path string `yaml:"mountPath"`
}

type volume struct {
	Name  string      `yaml:"name"`
	Claim volumeClaim `yaml:"persistentVolumeClaim"`
}

type volumeClaim struct {
	Name string `yaml:"claimName"`
}

// spec is a job. A failed index ends no other (there is no maxFailedIndexes), and a pod is replaced only once it has
// ended, because two must not run in one folder. Attempts make a job that follows another one on the same cells differ.
func (k Kubernetes) spec(job, indexes, attempts int) jobObject {
	labels := map[string]string{"app.kubernetes.io/name": "zos-ort"}
	own := metadata{Name: k.name(job), Namespace: k.Namespace, Labels: maps.Clone(labels),
		Annotations: map[string]string{"zos-ort/attempts-before": strconv.Itoa(attempts)}}
	if k.Queue != "" {
		own.Labels["kueue.x-k8s.io/queue-name"] = k.Queue
	}
	parallel := indexes
	if k.Jobs > 0 {
		parallel = min(k.Jobs, indexes)
	}
	return jobObject{"batch/v1", "Job", own, jobSpec{Completions: indexes, Parallelism: parallel, CompletionMode: "Indexed",
		Retries: retries, Replacement: "Failed",
		FailurePolicy: failurePolicy{[]failureRule{{"Ignore", []podCondition{{"DisruptionTarget", "True"}}}}},
		Template:      podTemplate{metadata{Labels: labels}, k.pod(job)}}}
}

// pod runs the cell of its index. Before it is evicted it has as long to save as a task of Slurm.
func (k Kubernetes) pod(job int) podSpec {
	const shared = "shared"
	memory := fmt.Sprintf("%dMi", (k.Memory+1<<20-1)>>20)
	need := resources{map[string]string{"cpu": strconv.Itoa(k.Threads), "memory": memory}, map[string]string{"memory": memory}}
	if k.GPU {
		need.Limits["nvidia.com/gpu"] = "1"
	}
	return podSpec{RestartPolicy: "Never", Grace: graceSeconds,
		Security: podSecurity{k.User, k.Group, k.User != 0, typeKey{"RuntimeDefault"}},
		Containers: []container{{Name: "run", Image: k.Image,
			Command:   []string{"zos-ort", "sweep", "--quiet", "--cell-list", k.list(job)},
			Resources: need, Security: containerSecurity{Capabilities: capabilities{[]string{"ALL"}}},
			Mounts: []volumeMount{{shared, k.Mount}}}},
		Volumes: []volume{{shared, volumeClaim{k.Claim}}}}
}
