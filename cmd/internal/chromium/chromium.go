// Package chromium starts a browser for tests that look at pages.
package chromium

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// limit ends a test whose page hangs.
const limit = 15 * time.Minute

// limitOfEnd is how long the folder of a browser may take to be removed.
const limitOfEnd = 10 * time.Second

// Open starts Chromium, or skips the test where there is none. The context is that of its first tab.
func Open(t *testing.T) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("no Chromium here (Debian: chromium)")
	}
	dir, err := os.MkdirTemp("", "chromium-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // its processes write for a while after the first of them has ended
		for end := time.Now().Add(limitOfEnd); os.RemoveAll(dir) != nil && time.Now().Before(end); {
			time.Sleep(limitOfEnd / 100)
		}
	})
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox,
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.UserDataDir(dir))
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancelTab := chromedp.NewContext(ctx)
	t.Cleanup(cancelTab)
	ctx, cancelTime := context.WithTimeout(ctx, limit)
	t.Cleanup(cancelTime)
	return ctx
}
