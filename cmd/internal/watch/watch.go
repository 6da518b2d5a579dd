// Package watch serves the page of a run while the run goes on, in this process or another one. It only reads:
// the page, which looks for a newer one, and the files of the run.
package watch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"zos-ort/models/safe"
)

// Server serves one run.
type Server struct {
	listener net.Listener
	host     string // that the user has named, if any
}

// Listen takes an address: HOST:PORT, :PORT or PORT. Without a host it is of this machine alone; port 0 is any
// free one.
func Listen(address string) (*Server, error) {
	if !strings.Contains(address, ":") {
		address = ":" + address
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("--serve: %w", err)
	}
	bind := host
	if bind == "" {
		bind = "127.0.0.1"
	}
	l, err := net.Listen("tcp", net.JoinHostPort(bind, port))
	if err != nil {
		return nil, fmt.Errorf("--serve: %w", err)
	}
	return &Server{l, host}, nil
}

// URL is where the page is.
func (s *Server) URL() string { return "http://" + s.listener.Addr().String() + "/" }

// Close gives the address back if Serve is never called.
func (s *Server) Close() { _ = s.listener.Close() }

// timeouts of a connection, so that none stays for ever.
const (
	headerTimeout = 10 * time.Second
	idleTimeout   = 2 * time.Minute
)

// Serve serves the run in a directory until the context ends.
func (s *Server) Serve(ctx context.Context, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		s.Close()
		return err
	}
	defer root.Close()
	server := &http.Server{Handler: s.guarded(&site{dir: dir, root: root}), ReadHeaderTimeout: headerTimeout,
		IdleTimeout: idleTimeout, ErrorLog: log.New(io.Discard, "", 0)} // a browser's mistakes are none of the run's
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("--serve: %w", err)
	}
	return nil
}

// guarded refuses what is no reading, and requests that another site's page sends under a name of its own that
// leads here (DNS rebinding).
func (s *Server) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-cache")
		switch {
		case !s.known(r.Host):
			http.Error(w, "this host is not served here", http.StatusMisdirectedRequest)
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "only reading is possible", http.StatusMethodNotAllowed)
		default:
			if err := safe.Call(func() error { next.ServeHTTP(w, r); return nil }); err != nil {
				http.Error(w, "internal error: "+err.Error(), http.StatusInternalServerError)
			}
		}
	})
}

// known says whether the host of a request is an address of this server or the name that the user has given.
func (s *Server) known(host string) bool {
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		name, port = host, "80"
	}
	at := s.listener.Addr().(*net.TCPAddr)
	if port != fmt.Sprint(at.Port) {
		return false
	}
	ip := net.ParseIP(strings.Trim(name, "[]"))
	switch {
	case s.host != "" && strings.EqualFold(name, s.host):
		return true
	case at.IP.IsUnspecified(): // any address of this machine, but no name
		return ip != nil || strings.EqualFold(name, "localhost")
	case at.IP.IsLoopback():
		return ip != nil && ip.IsLoopback() || strings.EqualFold(name, "localhost")
	}
	return ip != nil && ip.Equal(at.IP)
}
