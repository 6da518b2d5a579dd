package watch

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"go.uber.org/goleak"

	"zos-ort/cmd/internal/chromium"
	"zos-ort/graphgen/check"
)

const config = `{"schema":"zos-ort/config","version":2,"command":"search","method":"zos","search":{"epochs":9},"images":{"classes":10}}`

const header = "epoch,valid_acc,train_acc\n"

// run makes a folder with a run that has just begun, a run inside of it, and a secret beside it.
func run(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	for name, content := range map[string]string{"config.json": config, "metrics.csv": header + "0,.25,.5\n", ".lock": "",
		"cells/x/search/config.json": config, "../secret.txt": "secret", "evil.svg": `<svg xmlns="http://www.w3.org/2000/svg"/>`} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{"out.txt": "../secret.txt", "up": ".."} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// serve serves a run until the test ends.
func serve(t *testing.T, dir string) *Server {
	t.Helper()
	s := check.Must(Listen("0"))(t)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.Serve(ctx, dir) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s
}

// ask sends a request as it is: no client cleans its path or says where it goes.
func ask(t *testing.T, s *Server, method, path, host string) (*http.Response, string) {
	t.Helper()
	address := strings.TrimSuffix(strings.TrimPrefix(s.URL(), "http://"), "/")
	c := check.Must(net.Dial("tcp", address))(t)
	defer c.Close()
	if host == "" {
		host = address
	}
	fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", method, path, host)
	answer := check.Must(http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method}))(t)
	defer answer.Body.Close()
	return answer, string(check.Must(io.ReadAll(answer.Body))(t))
}

// TestServesTheRunAlone: the page, pages of runs inside and files are served, and nothing else.
func TestServesTheRunAlone(t *testing.T) {
	defer goleak.VerifyNone(t)
	t.Run("all", func(t *testing.T) { // ends the server before the leaks are looked for
		s := serve(t, run(t))
		if !strings.HasPrefix(s.URL(), "http://127.0.0.1:") {
			t.Errorf("served at %s", s.URL())
		}
		for _, c := range []struct {
			path, text string
			status     int
		}{
			{"/", "<body data-live>", 200}, {"/report.html", "25.00 %", 200}, {"/cells/x/search/report.html", "Nothing is found yet", 200},
			{"/metrics.csv", header, 200}, {"/evil.svg", "<svg", 200},
			{"/nothing", "", 404}, {"/cells", "", 404}, {"/.lock", "", 404}, {"/../secret.txt", "", 404},
			{"/%2e%2e/secret.txt", "", 404}, {"/..%2fsecret.txt", "", 404}, {"/cells/../../secret.txt", "", 404},
			{"/out.txt", "", 404}, {"/up/secret.txt", "", 404}, {"/up/report.html", "", 404}, {"/nothing/report.html", "", 404},
			{"//etc/passwd", "", 404},
		} {
			answer, body := ask(t, s, "GET", c.path, "")
			if answer.StatusCode != c.status || !strings.Contains(body, c.text) || strings.Contains(body, "secret") {
				t.Errorf("%s: status %d, want %d: %.80s", c.path, answer.StatusCode, c.status, body)
			}
		}
		if answer, _ := ask(t, s, "GET", "/evil.svg", ""); !strings.Contains(answer.Header.Get("Content-Security-Policy"), "sandbox") {
			t.Errorf("a file may run scripts: %v", answer.Header)
		}
	})
}

// TestRefusesOtherHostsAndWriting: DNS rebinding and anything but reading.
func TestRefusesOtherHostsAndWriting(t *testing.T) {
	s := serve(t, run(t))
	_, port, _ := net.SplitHostPort(strings.TrimSuffix(strings.TrimPrefix(s.URL(), "http://"), "/"))
	for host, want := range map[string]int{"evil.example:" + port: 421, "evil.example": 421, "127.0.0.1": 421, "127.0.0.1:1": 421,
		"10.0.0.1:" + port: 421, "localhost:" + port: 200, "[::1]:" + port: 200, "127.0.0.1:" + port: 200} {
		if answer, _ := ask(t, s, "GET", "/", host); answer.StatusCode != want {
			t.Errorf("host %s: status %d, want %d", host, answer.StatusCode, want)
		}
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS"} {
		if answer, _ := ask(t, s, method, "/", ""); answer.StatusCode != 405 {
			t.Errorf("%s: status %d", method, answer.StatusCode)
		}
	}
}

// TestTagFollowsTheFiles: the page is new when a file is, and only then.
func TestTagFollowsTheFiles(t *testing.T) {
	dir := run(t)
	s := serve(t, dir)
	tag := func() string { answer, _ := ask(t, s, "HEAD", "/", ""); return answer.Header.Get("ETag") }
	first := tag()
	if again := tag(); first == "" || again != first {
		t.Errorf("tags %q and %q of the same files", first, again)
	}
	grow(t, dir)
	if tag() == first {
		t.Error("the tag is that of before the file grew")
	}
	if _, body := ask(t, s, "GET", "/", ""); !strings.Contains(body, "75.00 %") {
		t.Error("the page is that of before")
	}
}

func grow(t *testing.T, dir string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "metrics.csv"), []byte(header+"0,.25,.5\n1,.75,.8\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestListenRefuses(t *testing.T) {
	for _, address := range []string{"127.0.0.1:99999", "a:b:c", "127.0.0.1:x"} {
		_, err := Listen(address)
		check.Error(t, err, "--serve: ")
	}
	s := check.Must(Listen("0"))(t)
	defer s.Close()
	_, err := Listen(strings.TrimSuffix(strings.TrimPrefix(s.URL(), "http://"), "/"))
	check.Error(t, err, "--serve: ", "in use")
}

// TestPageRefreshesItself: an open page shows the epochs to come.
func TestPageRefreshesItself(t *testing.T) {
	ctx := chromium.Open(t)
	dir := run(t)
	s := serve(t, dir)
	if err := chromedp.Run(ctx, chromedp.Navigate(s.URL()), chromedp.WaitReady(".verdict", chromedp.ByQuery)); err != nil {
		t.Fatal(err)
	}
	// The page has asked once and got an answer: what it knows is the run as it was.
	const asked = `new Promise(done => { const look = () =>
		performance.getEntriesByType("resource").some(e => e.initiatorType === "fetch" && e.responseEnd > 0) ? done(true) : setTimeout(look, 50);
		look() })`
	await := func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }
	if err := chromedp.Run(ctx, chromedp.Evaluate(asked, new(bool), await)); err != nil {
		t.Fatal(err)
	}
	grow(t, dir)
	var text string
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		if err := chromedp.Run(ctx, chromedp.Evaluate(`document.querySelector(".verdict").textContent`, &text)); err == nil && strings.Contains(text, "75.00 %") {
			return
		}
	}
	t.Errorf("the page still says %q", text)
}

// A panic while a page is made is an answer to the browser, and nothing on the terminal.
func TestPanicOfAPage(t *testing.T) {
	s := &Server{listener: check.Must(net.Listen("tcp", "127.0.0.1:0"))(t)}
	defer s.Close()
	answer := httptest.NewRecorder()
	request := httptest.NewRequest(http.MethodGet, s.URL(), nil)
	s.guarded(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("no page") })).ServeHTTP(answer, request)
	if answer.Code != http.StatusInternalServerError || !strings.Contains(answer.Body.String(), "no page") {
		t.Errorf("%d %q", answer.Code, answer.Body)
	}
}
