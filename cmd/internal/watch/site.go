package watch

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"zos-ort/cmd/internal/report"
)

// site is what is served: pages of the run and of runs inside of it, and their files.
type site struct {
	dir  string
	root *os.Root // no name leads out of it, be it by a link

	mu    sync.Mutex // guards pages
	pages map[string]page
}

// page is the last one of a folder, and the state of the files that it was made of.
type page struct {
	state   string
	content []byte
}

// filePolicy keeps a file of the run from running anything in the browser.
const filePolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"

// ServeHTTP implements http.Handler.
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
	folder, file := path.Split(name)
	switch {
	case name == "" || file == report.FileName:
		s.page(w, r, path.Clean("./"+folder))
	case hidden(name):
		http.NotFound(w, r)
	default:
		s.file(w, r, name)
	}
}

// hidden says whether a part of a name begins with a dot: locks and files that are being written.
func hidden(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".") {
			return true
		}
	}
	return false
}

// file serves a file of the run.
func (s *site) file(w http.ResponseWriter, r *http.Request, name string) {
	f, err := s.root.Open(name)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Security-Policy", filePolicy)
	http.ServeContent(w, r, info.Name(), info.ModTime(), f)
}

// page serves the page of a folder inside of the run. Its tag changes when a file of the folder does.
func (s *site) page(w http.ResponseWriter, r *http.Request, folder string) {
	if info, err := s.root.Stat(folder); err != nil || !info.IsDir() || folder != "." && hidden(folder) {
		http.NotFound(w, r)
		return
	}
	dir := filepath.Join(s.dir, filepath.FromSlash(folder))
	if !report.IsRun(dir) {
		http.NotFound(w, r)
		return
	}
	state := stateOf(dir)
	w.Header().Set("ETag", `"`+state+`"`)
	if r.Method == http.MethodHead || strings.Contains(r.Header.Get("If-None-Match"), state) {
		if r.Method != http.MethodHead {
			w.WriteHeader(http.StatusNotModified)
		}
		return
	}
	content, err := s.draw(dir, state)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(content) // a reader that has gone needs nothing
}

// draw makes a page, once for every state.
func (s *site) draw(dir, state string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p, ok := s.pages[dir]; ok && p.state == state {
		return p.content, nil
	}
	content, err := report.Page([]string{dir}, report.Options{Live: true})
	if err != nil {
		return nil, err
	}
	if s.pages == nil {
		s.pages = map[string]page{}
	}
	s.pages[dir] = page{state, content}
	return content, nil
}

// stateOf tells states of the files of a run apart. Its own page and hidden files do not count.
func stateOf(dir string) string {
	h := sha256.New()
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || strings.HasPrefix(e.Name(), ".") || e.Name() == report.FileName || info.Mode()&fs.ModeType != 0 {
			continue
		}
		fmt.Fprintln(h, e.Name(), info.Size(), info.ModTime().UnixNano())
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}
