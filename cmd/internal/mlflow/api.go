package mlflow

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
)

// Messages of the interface, as far as they are used.
type (
	experiment struct {
		ID       string `json:"experiment_id"`
		Location string `json:"artifact_location"`
		Stage    string `json:"lifecycle_stage"`
	}
	pair struct {
		Key   string `json:"key"`
		Value string `json:"value"`
	}
	metric struct {
		Key   string  `json:"key"`
		Value float64 `json:"value"`
		Time  int64   `json:"timestamp"`
		Step  int64   `json:"step"`
	}
	remoteRun struct {
		Info struct {
			ID        string `json:"run_id"`
			Artifacts string `json:"artifact_uri"`
			Stage     string `json:"lifecycle_stage"`
			Status    string `json:"status"`
		} `json:"info"`
		Data struct {
			Metrics []metric `json:"metrics"` // the last of each
			Params  []pair   `json:"params"`
			Tags    []pair   `json:"tags"`
		} `json:"data"`
	}
)

// deleted is the stage of what a user has thrown away on the server.
const deleted = "deleted"

// experiment finds the experiment of a name, or makes it.
func (c *client) experiment(ctx context.Context, name string) (experiment, error) {
	var found struct{ Experiment experiment }
	query := url.Values{"experiment_name": {name}}
	err := c.call(ctx, http.MethodGet, "experiments/get-by-name", query, nil, &found)
	if missing(err) {
		if err = c.call(ctx, http.MethodPost, "experiments/create", nil, map[string]any{"name": name}, nil); err == nil {
			err = c.call(ctx, http.MethodGet, "experiments/get-by-name", query, nil, &found)
		}
	}
	switch e := found.Experiment; {
	case err != nil:
		return e, err
	case e.ID == "":
		return e, fmt.Errorf("%s does not answer as MLflow does: it names no experiment", c.base)
	case e.Stage == deleted:
		return e, fmt.Errorf("the experiment %q is deleted on %s: restore it there, or give another --experiment", name, c.base)
	}
	return found.Experiment, nil
}

// create makes a run.
func (c *client) create(ctx context.Context, experimentID, name string, begin int64, tags []pair) (*remoteRun, error) {
	var made struct{ Run remoteRun }
	err := c.call(ctx, http.MethodPost, "runs/create", nil, map[string]any{"experiment_id": experimentID, "run_name": name,
		"start_time": begin, "tags": tags}, &made)
	if err == nil && made.Run.Info.ID == "" {
		err = fmt.Errorf("%s does not answer as MLflow does: it names no run", c.base)
	}
	return &made.Run, err
}

// get reads a run; nil if the server does not have it, or has thrown it away.
func (c *client) get(ctx context.Context, id string) (*remoteRun, error) {
	var found struct{ Run remoteRun }
	err := c.call(ctx, http.MethodGet, "runs/get", url.Values{"run_id": {id}}, nil, &found)
	if missing(err) || err == nil && found.Run.Info.Stage == deleted {
		return nil, nil
	}
	return &found.Run, err
}

// tagged finds the run with a tag; nil if there is none.
func (c *client) tagged(ctx context.Context, experimentID, tag, value string) (*remoteRun, error) {
	var found struct{ Runs []remoteRun }
	err := c.call(ctx, http.MethodPost, "runs/search", nil, map[string]any{"experiment_ids": []string{experimentID},
		"filter": fmt.Sprintf("tags.`%s` = '%s'", tag, value), "max_results": 1}, &found)
	if err != nil || len(found.Runs) == 0 {
		return nil, err
	}
	return &found.Runs[0], nil
}

// history are all values of a metric, page by page.
func (c *client) history(ctx context.Context, id, key string) (list []metric, err error) {
	query := url.Values{"run_id": {id}, "metric_key": {key}}
	for {
		var page struct {
			Metrics []metric
			Next    string `json:"next_page_token"`
		}
		if err := c.call(ctx, http.MethodGet, "metrics/get-history", query, nil, &page); err != nil {
			return nil, err
		}
		list = append(list, page.Metrics...)
		if page.Next == "" {
			return list, nil
		}
		query.Set("page_token", page.Next)
	}
}

// batch is what one request may log.
type batch struct {
	Run     string   `json:"run_id"`
	Metrics []metric `json:"metrics,omitempty"`
	Params  []pair   `json:"params,omitempty"`
	Tags    []pair   `json:"tags,omitempty"`
}

func (c *client) log(ctx context.Context, b batch) error {
	return c.call(ctx, http.MethodPost, "runs/log-batch", nil, b, nil)
}

// finish closes a run.
func (c *client) finish(ctx context.Context, id string, end int64) error {
	return c.call(ctx, http.MethodPost, "runs/update", nil, map[string]any{"run_id": id, "status": finished, "end_time": end}, nil)
}

// finished is the status of a run that has ended well.
const finished = "FINISHED"

// proxied are artifacts that the server itself takes and keeps.
const proxied = "mlflow-artifacts:"

// takesFiles says whether files can be sent to the server itself, which is all that its interface has for them.
func (c *client) takesFiles(location string) error {
	rest, ok := strings.CutPrefix(location, proxied)
	host, _, _ := strings.Cut(strings.TrimPrefix(rest, "//"), "/")
	if ok && (!strings.HasPrefix(rest, "//") || host == c.base.Host || host == "") {
		return nil
	}
	return fmt.Errorf("%s keeps files elsewhere, at %s: start the server with --serve-artifacts, or leave them out with --no-files",
		c.base, location)
}

// put sends a file.
func (c *client) put(ctx context.Context, location, name, from string) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	folder, err := url.Parse(location)
	if err != nil {
		return fmt.Errorf("%s names a place for files that is no address: %w", c.base, err)
	}
	at := c.at(path.Join("api/2.0/mlflow-artifacts/artifacts", folder.Path, name))
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, at.String(), f)
	if err != nil {
		return fmt.Errorf("mlflow: %w", err)
	}
	if r.ContentLength = info.Size(); info.Size() == 0 {
		r.Body = http.NoBody // a length of 0 means an unknown one otherwise
	}
	_, err = c.send(r)
	return err
}
