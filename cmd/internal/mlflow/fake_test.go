package mlflow

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// fake is a server that keeps what MLflow keeps and complains of what arrives twice.
type fake struct {
	*httptest.Server
	t *testing.T

	mu       sync.Mutex
	location string // of files
	names    []string
	runs     []*remoteRun
	points   map[string]metric // all, by run, key and step
	files    map[string]string // contents by path
	requests int
	cut      int // the request whose answer is lost; 0: none
	early    bool
	lost     string // its method
}

func newFake(t *testing.T) *fake {
	f := &fake{t: t, location: "mlflow-artifacts:/7", points: map[string]metric{}, files: map[string]string{}}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Server.Close)
	return f
}

// ServeHTTP does what is asked for. The answer of one request is lost, before or after the work is done.
func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	f.requests++
	lost := f.requests == f.cut
	var answer any
	if !lost || !f.early {
		answer = f.do(r, body)
	}
	if lost {
		f.lost = r.Method
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			f.t.Error(err)
			return
		}
		c.Close()
		return
	}
	if answer == nil {
		w.WriteHeader(http.StatusNotFound)
		answer = map[string]string{"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "not there"}
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// nothing is an empty answer.
var nothing = map[string]any{}

func (f *fake) do(r *http.Request, body []byte) any {
	if name, ok := strings.CutPrefix(r.URL.Path, "/api/2.0/mlflow-artifacts/artifacts/"); ok && r.Method == http.MethodPut {
		f.files[name] = string(body)
		return nothing
	}
	query, in := r.URL.Query(), struct {
		Name, Filter, Status string
		Run                  string   `json:"run_id"`
		RunName              string   `json:"run_name"`
		Start                int64    `json:"start_time"`
		Experiment           string   `json:"experiment_id"`
		Experiments          []string `json:"experiment_ids"`
		Tags, Params         []pair
		Metrics              []metric
	}{}
	if len(body) > 0 {
		if err := json.Unmarshal(body, &in); err != nil {
			f.t.Errorf("%s: %v", r.URL.Path, err)
		}
	}
	switch r.Method + " " + strings.TrimPrefix(r.URL.Path, "/api/2.0/mlflow/") {
	case "GET experiments/get-by-name":
		for i, n := range f.names {
			if n == query.Get("experiment_name") {
				return map[string]any{"experiment": experiment{ID: fmt.Sprint(i + 7), Location: f.location, Stage: "active"}}
			}
		}
	case "POST experiments/create":
		f.names = append(f.names, in.Name)
		return nothing
	case "POST runs/create":
		run := new(remoteRun)
		run.Info.ID, run.Info.Status, run.Data.Tags = fmt.Sprintf("run%d", len(f.runs)+1), "RUNNING", in.Tags
		run.Info.Artifacts = f.location + "/" + run.Info.ID + "/artifacts"
		f.runs = append(f.runs, run)
		return map[string]any{"run": run}
	case "GET runs/get":
		if run := f.run(query.Get("run_id")); run != nil {
			return map[string]any{"run": run}
		}
	case "POST runs/search":
		for _, run := range f.runs {
			if t := run.Data.Tags[0]; in.Filter == fmt.Sprintf("tags.`%s` = '%s'", t.Key, t.Value) {
				return map[string]any{"runs": []*remoteRun{run}}
			}
		}
		return nothing
	case "GET metrics/get-history":
		var list []metric
		for k, m := range f.points {
			if strings.HasPrefix(k, query.Get("run_id")+" ") && m.Key == query.Get("metric_key") {
				list = append(list, m)
			}
		}
		return map[string]any{"metrics": list}
	case "POST runs/log-batch":
		f.log(f.run(in.Run), in.Params, in.Tags, in.Metrics)
		return nothing
	case "POST runs/update":
		f.run(in.Run).Info.Status = in.Status
		return nothing
	default:
		f.t.Errorf("unexpected %s %s", r.Method, r.URL)
	}
	return nil
}

func (f *fake) run(id string) *remoteRun {
	for _, run := range f.runs {
		if run.Info.ID == id && run.Info.Stage != deleted {
			return run
		}
	}
	return nil
}

// log keeps what is not known yet.
func (f *fake) log(run *remoteRun, params, tags []pair, metrics []metric) {
	if len(params) > mostPairs || len(tags) > mostPairs || len(metrics) > mostMetrics {
		f.t.Errorf("%d parameters, %d tags and %d metrics at once", len(params), len(tags), len(metrics))
	}
	for _, list := range []struct {
		to  *[]pair
		new []pair
	}{{&run.Data.Params, params}, {&run.Data.Tags, tags}} {
		for _, p := range list.new {
			for _, old := range *list.to {
				if old.Key == p.Key {
					f.t.Errorf("%s is sent twice", p.Key)
				}
			}
			*list.to = append(*list.to, p)
		}
	}
	for _, m := range metrics {
		key := fmt.Sprintf("%s %s %d", run.Info.ID, m.Key, m.Step)
		if _, there := f.points[key]; there {
			f.t.Errorf("metric %s is sent twice", key)
		}
		f.points[key] = m
		run.Data.Metrics = append(run.Data.Metrics, m)
	}
}
