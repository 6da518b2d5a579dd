package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"zos-ort/cmd/internal/terminal"
	"zos-ort/models/safe"
)

// patience is how long a stopped program may go on without a word about what it waits for.
const patience = 4 * time.Second

// statusOf is the exit status that belongs to a signal.
func statusOf(s os.Signal) int32 {
	switch s {
	case syscall.SIGTERM:
		return exitTerminate
	case syscall.SIGHUP:
		return exitHangup
	}
	return exitInterrupt
}

// signalContext is cancelled by the first interrupt, termination signal or hang-up; the second one ends the program at
// once. What takes longer than patience to end is named. caught returns the exit status that belongs to the signal, or
// 0. A signal that the program was started to ignore, as nohup does, stays ignored.
func signalContext(stderr io.Writer) (ctx context.Context, caught func() int, stop func()) {
	ctx, cancel := context.WithCancel(terminal.WithActivity(context.Background()))
	signals := make(chan os.Signal, 2)
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) {
			signal.Notify(signals, s)
		}
	}
	var status atomic.Int32
	ended := make(chan struct{})
	background(stderr, func() {
		for s := range signals {
			if !status.CompareAndSwap(0, statusOf(s)) {
				os.Exit(int(statusOf(s)))
			}
			if s == syscall.SIGHUP {
				signal.Ignore(syscall.SIGPIPE) // whoever read the messages is gone: they must not end the program
			}
			fmt.Fprintln(stderr, "\nzos-ort: finishing the running step; press again to stop at once")
			cancel()
			background(stderr, func() { remind(ctx, stderr, ended) })
		}
	})
	stop = func() { signal.Stop(signals); close(signals); close(ended); cancel() }
	return ctx, func() int { return int(status.Load()) }, stop
}

// background calls f on a goroutine of its own, whose panic ends the program as one of main does.
func background(stderr io.Writer, f func()) {
	go func() {
		var p *safe.Panic
		if err := safe.Call(func() error { f(); return nil }); errors.As(err, &p) {
			os.Exit(internalError(stderr, p))
		}
	}()
}

// remind says what a stopped program still does, as long as it does not end.
func remind(ctx context.Context, stderr io.Writer, ended <-chan struct{}) {
	ticks := time.NewTicker(patience)
	defer ticks.Stop()
	for {
		select {
		case <-ended:
			return
		case <-ticks.C:
			fmt.Fprintf(stderr, "zos-ort: still %s, which cannot be interrupted\n", terminal.Activity(ctx))
		}
	}
}
