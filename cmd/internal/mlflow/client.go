package mlflow

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
	"time"

	"zos-ort/cmd/internal/terminal"
)

// client speaks MLflow's REST interface, version 2.0 (mlflow.org/docs/latest/api_reference/rest-api.html).
type client struct {
	base     *url.URL // without user and password
	http     *http.Client
	identify func(*http.Request)
}

// Variables by which MLflow's own client knows who the user is.
const (
	userVariable, passwordVariable = "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"
	tokenVariable                  = "MLFLOW_TRACKING_TOKEN"
)

// answerTimeout is how long a server may take to answer once it has a request. The request itself, such as a large
// file over a slow line, takes as long as it takes.
const answerTimeout = 2 * time.Minute

// newClient checks the address of a server.
func newClient(address string) (*client, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		return nil, terminal.Usagef("--mlflow is no address of a server: give one such as http://127.0.0.1:5000, with http or https")
	case u.Fragment != "" || u.RawQuery != "":
		return nil, terminal.Usagef("--mlflow %s is the address of a page: give that of the server alone, %s://%s", u.Redacted(),
			u.Scheme, u.Host)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = answerTimeout
	c := &client{base: &url.URL{Scheme: u.Scheme, Host: u.Host, Path: strings.TrimRight(u.Path, "/")}, identify: identity(u.User),
		http: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse // a request that is followed elsewhere loses its content
		}}}
	return c, nil
}

// identity adds the user of the address, or else of the environment, to requests.
func identity(user *url.Userinfo) func(*http.Request) {
	name, password := os.Getenv(userVariable), os.Getenv(passwordVariable)
	if user != nil {
		name = user.Username()
		password, _ = user.Password()
	}
	token := os.Getenv(tokenVariable)
	return func(r *http.Request) {
		switch {
		case name != "":
			r.SetBasicAuth(name, password)
		case token != "":
			r.Header.Set("Authorization", "Bearer "+token)
		}
	}
}

// refusal is an error that a server answers with.
type refusal struct {
	at, status    string
	Code, Message string
}

func (e *refusal) Error() string {
	text := fmt.Sprintf("%s answers %s", e.at, e.status)
	if e.Message != "" {
		text += ": " + e.Message
	}
	return text
}

// missing says whether the server does not know what was asked for.
func missing(err error) bool {
	var r *refusal
	return errors.As(err, &r) && r.Code == "RESOURCE_DOES_NOT_EXIST"
}

// call asks for something under api/2.0/mlflow and reads the answer into out.
func (c *client) call(ctx context.Context, method, name string, query url.Values, in, out any) error {
	at := c.at("api/2.0/mlflow/" + name)
	at.RawQuery = query.Encode()
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("mlflow: %w", err)
		}
		body = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, at.String(), body)
	if err != nil {
		return fmt.Errorf("mlflow: %w", err)
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := c.send(r)
	if err != nil {
		return err
	}
	if out == nil {
		out = new(any)
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return c.foreign(r)
	}
	return nil
}

// at is an address of the server.
func (c *client) at(name string) *url.URL {
	u := *c.base
	u.Path = path.Join("/", u.Path, name)
	return &u
}

// largestAnswer keeps memory within bounds, whatever answers.
const largestAnswer = 64 << 20

// send makes a request and returns what is answered.
func (c *client) send(r *http.Request) ([]byte, error) {
	c.identify(r)
	answer, err := c.http.Do(r)
	if err != nil {
		return nil, c.unreachable(r, err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(io.LimitReader(answer.Body, largestAnswer))
	if err != nil {
		return nil, c.unreachable(r, err)
	}
	switch {
	case answer.StatusCode >= 300 && answer.StatusCode < 400:
		return nil, fmt.Errorf("%s leads to %s: give that address", c.base, answer.Header.Get("Location"))
	case answer.StatusCode >= 300:
		e := &refusal{at: r.URL.Scheme + "://" + r.URL.Host + r.URL.Path, status: answer.Status}
		var x struct {
			Code    string `json:"error_code"`
			Message string `json:"message"`
		}
		if json.Unmarshal(b, &x) == nil && x.Code != "" {
			e.Code, e.Message = x.Code, x.Message
		} else if answer.StatusCode == http.StatusNotFound {
			return nil, c.foreign(r)
		}
		return nil, e
	}
	return b, nil
}

// foreign is the error of a server that is another one.
func (c *client) foreign(r *http.Request) error {
	return fmt.Errorf("%s does not answer as MLflow does (%s %s): is it the address of an MLflow server?", c.base, r.Method,
		r.URL.Path)
}

// unreachable says why there is no answer, without the words that net/http puts around it.
func (c *client) unreachable(r *http.Request, err error) error {
	if r.Context().Err() != nil {
		return r.Context().Err()
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return fmt.Errorf("no answer from %s: %w", c.base, err)
}
