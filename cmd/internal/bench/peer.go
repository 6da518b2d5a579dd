package bench

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"zos-ort/cmd/internal/device"
	"zos-ort/models/space"
)

// peerScript is the same supernet in PyTorch. It says what the lines to and from it are.
//
//go:embed peer.py
var peerScript []byte

// peer is a Python process that makes one step at a time when it is asked to.
type peer struct {
	version string        // of PyTorch
	ended   error         // why the process is no more
	limit   time.Duration // for the making of a compiled program; 0 is none
	folder  string
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	message bytes.Buffer // what it wrote to standard error
}

// peerRequest is a line to the peer.
type peerRequest struct {
	Do        string   `json:"do"`
	Device    string   `json:"device,omitempty"`
	Precision string   `json:"precision,omitempty"`
	Mode      string   `json:"mode,omitempty"`
	Program   string   `json:"program,omitempty"`
	Threads   int      `json:"threads,omitempty"`
	Batch     int      `json:"batch,omitempty"`
	Image     int      `json:"image,omitempty"`
	Limit     float64  `json:"limit,omitempty"` // in seconds
	Net       *peerNet `json:"net,omitempty"`
}

// peerNet are the arguments of the peer's supernet; masks are lists of names by edge.
type peerNet struct {
	Channels int                   `json:"channels"`
	Cells    int                   `json:"cells"`
	Classes  int                   `json:"classes"`
	Partial  int                   `json:"partial"`
	Mask     map[string][][]string `json:"mask"`
}

// peerReply is a line from the peer.
type peerReply struct {
	Error      string  `json:"error"`
	Memory     bool    `json:"memory"` // lacked: the error
	Torch      string  `json:"torch"`
	Parameters int     `json:"parameters"`
	Seconds    float64 `json:"seconds"`
	Peak       int64   `json:"peak"`     // bytes of tensors on a GPU since the last reset
	Reserved   int64   `json:"reserved"` // bytes taken from the GPU for them
}

// errMemory is that a side lacks memory for a step.
var errMemory = errors.New("out of memory")

// startPeer starts the peer. Its error says why there is none: no Python, no PyTorch in it, or none that
// can use the GPU.
func startPeer(ctx context.Context, python string, d *device.Device, precision string) (*peer, error) {
	path, err := exec.LookPath(python)
	if err != nil {
		return nil, fmt.Errorf("no Python: %w", err)
	}
	p := new(peer)
	if p.folder, err = os.MkdirTemp("", "zos-ort-peer-*"); err != nil {
		return nil, err
	}
	script := filepath.Join(p.folder, "peer.py")
	if err = os.WriteFile(script, peerScript, 0o600); err == nil {
		err = p.start(exec.CommandContext(ctx, path, script))
	}
	if err != nil {
		os.RemoveAll(p.folder)
		return nil, err
	}
	hello, err := p.ask(peerRequest{Do: "hello", Device: d.Torch(), Precision: precision})
	if err != nil {
		p.close()
		return nil, err
	}
	p.version = hello.Torch
	return p, nil
}

func (p *peer) start(cmd *exec.Cmd) error {
	p.cmd, cmd.Stderr = cmd, &p.message
	// PyTorch compiles in processes of its own, which are to end with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	p.out = bufio.NewReader(out)
	if p.in, err = cmd.StdinPipe(); err != nil {
		return err
	}
	return cmd.Start()
}

// ask sends a line and waits for the answer.
func (p *peer) ask(q peerRequest) (r peerReply, err error) {
	if p.ended != nil {
		return r, p.ended
	}
	line, err := json.Marshal(q)
	if err != nil {
		return r, err
	}
	_, err = p.in.Write(append(line, '\n'))
	if err == nil {
		line, err = p.out.ReadBytes('\n')
	}
	if err != nil {
		p.ended = p.died()
		return r, p.ended
	}
	if err := json.Unmarshal(line, &r); err != nil {
		return r, fmt.Errorf("peer: answered %q: %w", bytes.TrimSpace(line), err)
	}
	switch {
	case r.Memory:
		err = fmt.Errorf("peer: %w (%s)", errMemory, r.Error)
	case r.Error != "":
		err = fmt.Errorf("peer: %s", r.Error)
	}
	return r, err
}

// died says with what words the process ended: the last line of a Python trace is the reason.
func (p *peer) died() error {
	p.in.Close()
	err := p.cmd.Wait()
	lines := strings.Split(strings.TrimSpace(p.message.String()), "\n")
	if last := lines[len(lines)-1]; last != "" {
		return fmt.Errorf("peer: %s", last)
	}
	if err == nil {
		err = errors.New("it ended early")
	}
	return fmt.Errorf("peer: %w", err)
}

func (p *peer) close() {
	p.in.Close()
	_ = p.cmd.Wait() // it ends when its input does
	os.RemoveAll(p.folder)
}

// build makes the network of a case in a mode, and checks that it has the weights of ours.
func (p *peer) build(c Case, mode string, weights int) error {
	net := &peerNet{Channels: c.Network.Channels, Cells: c.Network.Cells, Classes: c.Images.Classes,
		Partial: c.Network.Partial, Mask: map[string][][]string{}}
	for _, t := range space.DARTS.CellTypes() {
		for e := range c.Mask.Sets(t) {
			names := []string{}
			for _, o := range c.Mask.Primitives(t, e) {
				names = append(names, o.String())
			}
			net.Mask[t.String()] = append(net.Mask[t.String()], names)
		}
	}
	r, err := p.ask(peerRequest{Do: "build", Mode: mode, Threads: c.Device.Threads, Batch: c.batch(),
		Image: c.Images.Size, Net: net})
	if err == nil && r.Parameters != weights {
		err = fmt.Errorf("the peer's network has %d weights, ours %d", r.Parameters, weights)
	}
	return err
}

// do makes the peer do what needs nothing else and has no answer.
func (p *peer) do(what string) error {
	_, err := p.ask(peerRequest{Do: what})
	return err
}

// step makes the peer time one step. The first compiled one is compiled in it.
func (p *peer) step(mode, program string) (peerReply, error) {
	q := peerRequest{Do: "step", Mode: mode, Program: program}
	if mode == compiledMode {
		q.Limit = p.limit.Seconds()
	}
	return p.ask(q)
}
