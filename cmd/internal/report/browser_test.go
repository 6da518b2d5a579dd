package report

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	devtools "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"zos-ort/cmd/internal/chromium"
	"zos-ort/graphgen/check"
)

//go:embed testdata/axe/axe.min.js
var axe string

// watched collects what goes wrong in a tab: errors in the console, and requests other than for the page itself.
type watched struct {
	mu       sync.Mutex
	problems []string
}

func (w *watched) add(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.problems = append(w.problems, fmt.Sprintf(format, args...))
}

func (w *watched) watch(ctx context.Context, pageURL string) {
	chromedp.ListenTarget(ctx, func(event any) {
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			w.add("exception: %v", e.ExceptionDetails)
		case *runtime.EventConsoleAPICalled:
			if e.Type == runtime.APITypeError || e.Type == runtime.APITypeWarning {
				w.add("console: %s", e.Args[0].Value)
			}
		case *log.EventEntryAdded:
			w.add("log: %s %s", e.Entry.Level, e.Entry.Text)
		case *network.EventRequestWillBeSent:
			if e.Request.URL != pageURL && !strings.HasPrefix(e.Request.URL, "data:") {
				w.add("request of %s", e.Request.URL)
			}
		}
	})
}

// screens are what pages are looked at on.
var screens = []struct {
	name   string
	width  int64
	scheme string
}{{"wide-light", 1400, "light"}, {"wide-dark", 1400, "dark"}, {"phone-light", 390, "light"}, {"phone-dark", 390, "dark"}}

// open loads a page on a screen.
func open(t *testing.T, ctx context.Context, path string, width int64, scheme string) {
	t.Helper()
	phone := width < 600
	err := chromedp.Run(ctx, emulation.SetDeviceMetricsOverride(width, 900, 1, phone),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}),
		chromedp.Navigate(fileURL(path)), chromedp.WaitReady("#main"))
	if err != nil {
		t.Fatal(err)
	}
}

func fileURL(path string) string { return (&url.URL{Scheme: "file", Path: path}).String() }

// drawAll scrolls through the page, so that everything is drawn, and back.
func drawAll(t *testing.T, ctx context.Context) {
	t.Helper()
	eval[any](t, ctx, `(async()=>{document.querySelectorAll("details").forEach(d=>d.open=true);
		const left=()=>[...document.querySelectorAll(".chart,.edge-chart")].filter(e=>!e.querySelector("canvas"));
		for(let tries=0;tries<400&&left().length;tries++){left()[0].scrollIntoView();await new Promise(r=>setTimeout(r,30))}
		scrollTo(0,0);await new Promise(r=>setTimeout(r,100))})()`)
}

// eval computes an expression in the page and waits for a promise.
func eval[T any](t *testing.T, ctx context.Context, expression string) (x T) {
	t.Helper()
	err := chromedp.Run(ctx, chromedp.Evaluate(expression, &x, func(p *runtime.EvaluateParams) *runtime.EvaluateParams {
		return p.WithAwaitPromise(true)
	}))
	if err != nil && !strings.Contains(err.Error(), "undefined") {
		t.Fatalf("%s: %v", expression, err)
	}
	return x
}

// screenshots names the folder for pictures of all pages on all screens.
const screenshots = "ZOS_SCREENSHOTS"

// shoot writes a picture of the whole page for a person to look at.
func shoot(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	folder := os.Getenv(screenshots)
	if folder == "" {
		return
	}
	var b []byte
	if err := chromedp.Run(ctx, chromedp.FullScreenshot(&b, 100)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, name+".png"), b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// drawnPage writes the page of run directories into a folder and returns its path.
func drawnPage(t *testing.T, dirs ...string) string {
	t.Helper()
	b := check.Must(Page(dirs, Options{}))(t)
	path := filepath.Join(t.TempDir(), FileName)
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestPagesInABrowser: pages of real runs load without errors or requests, everything is drawn, and axe-core finds
// no serious violation, on a wide screen and a phone, light and dark.
func TestPagesInABrowser(t *testing.T) {
	ctx := chromium.Open(t)
	for _, c := range []struct {
		name string
		dirs []string
		most int // charts
	}{
		{"search", []string{"testdata/search"}, 20},
		{"retrain", []string{"testdata/retrain"}, 6},
		{"sweep", []string{"testdata/sweep"}, 4},
		{"figure1", []string{"testdata/figure1"}, 1},
		{"pareto", []string{"testdata/pareto"}, 1},
		{"compare", []string{"testdata/search", "testdata/retrain", "testdata/sweep"}, 25},
	} {
		path := drawnPage(t, c.dirs...)
		for i, s := range screens {
			if c.name != "search" && i%3 != 0 && os.Getenv(screenshots) == "" {
				continue // a wide light and a dark narrow screen are enough where nobody looks
			}
			t.Run(c.name+"/"+s.name, func(t *testing.T) {
				tab, cancel := chromedp.NewContext(ctx)
				defer cancel()
				var w watched
				w.watch(tab, fileURL(path))
				if err := chromedp.Run(tab, network.Enable(), log.Enable(), runtime.Enable(), devtools.Enable()); err != nil {
					t.Fatal(err)
				}
				open(t, tab, path, s.width, s.scheme)
				drawAll(t, tab)
				wantDrawn(t, tab, c.most)
				wantAccessible(t, tab)
				shoot(t, tab, c.name+"-"+s.name)
				for _, p := range w.problems {
					t.Error(p)
				}
			})
		}
	}
}

// wantDrawn: every chart has marks: pixels of its series.
func wantDrawn(t *testing.T, ctx context.Context, least int) {
	t.Helper()
	counts := eval[struct {
		Charts, Drawn int
		Empty         []string
		Overflow      int
	}](t, ctx, `(()=>{const list=[...document.querySelectorAll(".chart,.edge-chart")];
		const inked=e=>{const c=e.querySelector("canvas");if(!c)return false;
			const d=c.getContext("2d").getImageData(0,0,c.width,c.height).data;const seen=new Set();
			for(let i=0;i<d.length;i+=4)if(d[i+3]>200&&Math.max(d[i],d[i+1],d[i+2])-Math.min(d[i],d[i+1],d[i+2])>40)seen.add(i);
			return seen.size>20};
		return {Charts:list.length,Drawn:list.filter(e=>e.querySelector("canvas")).length,
			Empty:list.filter(e=>!inked(e)).map(e=>e.id||e.className),
			Overflow:document.documentElement.scrollWidth-document.documentElement.clientWidth}})()`)
	if counts.Charts < least || counts.Drawn != counts.Charts || len(counts.Empty) > 0 || counts.Overflow > 0 {
		t.Errorf("want at least %d charts, all with marks, and no overflow: %+v", least, counts)
	}
}

// wantAccessible runs axe-core.
func wantAccessible(t *testing.T, ctx context.Context) {
	t.Helper()
	if err := chromedp.Run(ctx, chromedp.Evaluate(axe+";0", nil)); err != nil {
		t.Fatal(err)
	}
	text := eval[string](t, ctx, `axe.run(document,{resultTypes:["violations"]}).then(r=>JSON.stringify(r.violations.map(v=>
		({id:v.id,impact:v.impact,nodes:v.nodes.slice(0,3).map(n=>n.html.slice(0,160)+" | "+n.failureSummary.slice(0,240))}))))`)
	var violations []struct {
		ID, Impact string
		Nodes      []string
	}
	if err := json.Unmarshal([]byte(text), &violations); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	for _, v := range violations {
		if v.Impact == "serious" || v.Impact == "critical" {
			t.Errorf("%s (%s): %q", v.ID, v.Impact, v.Nodes)
		} else {
			t.Logf("%s (%s): %q", v.ID, v.Impact, v.Nodes)
		}
	}
}

// TestEdgesShowTheirAlphas: pointing at an edge of a cell, and reaching one by the keyboard, shows its operations.
func TestEdgesShowTheirAlphas(t *testing.T) {
	ctx := chromium.Open(t)
	open(t, ctx, drawnPage(t, "testdata/search"), 1400, "light")
	const figure = `document.querySelector("figure[data-cell=normal]")`
	title := func() string { return eval[string](t, ctx, figure+`.querySelector(".edge-title").textContent`) }
	place := eval[struct{ X, Y float64 }](t, ctx, `(()=>{const g=`+figure+`.querySelectorAll("[data-edge]")[3].querySelector("text");
		g.scrollIntoView({block:"center"});const r=g.getBoundingClientRect();return {X:r.x+r.width/2,Y:r.y+r.height/2}})()`)
	before := title()
	if err := chromedp.Run(ctx, chromedp.MouseEvent("mouseMoved", place.X, place.Y)); err != nil {
		t.Fatal(err)
	}
	hovered := title()
	if hovered == before || !strings.Contains(hovered, "with weight") {
		t.Errorf("pointing at an edge: %q, before %q", hovered, before)
	}
	legend := eval[string](t, ctx, figure+`.querySelector(".u-legend").textContent`)
	for _, op := range []string{"sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5"} {
		if !strings.Contains(legend, op) {
			t.Errorf("no %s in %q", op, legend)
		}
	}
	eval[any](t, ctx, figure+`.querySelectorAll("[data-edge]")[1].focus()`)
	if focused := title(); focused == hovered {
		t.Errorf("focusing an edge still shows %q", focused)
	}
}

// TestKeyboardReachesEverything: the Tab key comes by all edges, charts, legends, tables, links and folded parts,
// and the arrow keys read the values of a chart.
func TestKeyboardReachesEverything(t *testing.T) {
	ctx := chromium.Open(t)
	open(t, ctx, drawnPage(t, "testdata/search"), 1400, "light")
	drawAll(t, ctx)
	const wanted = `a[href],summary,[data-edge],[data-chart],.u-legend th[tabindex],.scroll`
	eval[any](t, ctx, `window.key=e=>{const f=e.closest("figure,section");
		return [e.tagName,f&&f.querySelector("h2,h3")?.textContent,e.getAttribute("aria-label")||e.textContent.slice(0,60)].join()};
		window.reached=new Set();
		document.addEventListener("focusin",e=>reached.add(key(e.target)));document.body.focus()`)
	n := eval[int](t, ctx, `document.querySelectorAll("`+wanted+`").length`)
	for range n + 20 {
		if err := chromedp.Run(ctx, chromedp.KeyEvent("\t")); err != nil {
			t.Fatal(err)
		}
	}
	missed := eval[[]string](t, ctx, `[...document.querySelectorAll("`+wanted+`")].filter(e=>!reached.has(key(e))).map(e=>e.outerHTML.slice(0,90))`)
	if n < 40 || len(missed) > 0 {
		t.Errorf("%d things to reach, missed %q", n, missed)
	}
	err := chromedp.Run(ctx, chromedp.Focus("#run1-learning-accuracy"), chromedp.KeyEvent(kb.End),
		chromedp.KeyEvent(kb.ArrowLeft))
	if err != nil {
		t.Fatal(err)
	}
	said := eval[string](t, ctx, `document.getElementById("live").textContent`)
	if !strings.HasPrefix(said, "epoch ") || !strings.Contains(said, "validation 7") {
		t.Errorf("the arrow keys say %q", said)
	}
}

// TestLargePagesAreFast: the pages of a search of 50 epochs and of a sweep of 64 runs answer within a second.
func TestLargePagesAreFast(t *testing.T) {
	ctx := chromium.Open(t)
	limit := 1000.
	if os.Getenv(screenshots) == "" {
		limit *= 5 // among the tests of all packages, which share the processors
	}
	for _, dir := range []string{longSearch(t), manyRuns(t)} {
		path := drawnPage(t, dir)
		best := 1e9
		for range 3 { // the machine may be busy with other things
			open(t, ctx, path, 1400, "light")
			best = min(best, eval[float64](t, ctx, `new Promise(r=>requestAnimationFrame(()=>setTimeout(()=>
				r(performance.now()),0)))`))
		}
		t.Logf("%s: interactive after %.0f ms", filepath.Base(dir), best)
		if best > limit {
			t.Errorf("%s: interactive after %.0f ms, want at most %.0f", filepath.Base(dir), best, limit)
		}
	}
}

// TestHostileNamesInABrowser: nothing of a name runs.
func TestHostileNamesInABrowser(t *testing.T) {
	ctx := chromium.Open(t)
	dir := copied(t, "retrain")
	text := readText(t, dir, "classes.csv")
	write(t, strings.ReplaceAll(text, "disc", `"<img src=x onerror=window.hacked=1></script><script>window.hacked=1</script> 🐈 שלום"`), dir, "classes.csv")
	open(t, ctx, drawnPage(t, dir), 390, "light")
	drawAll(t, ctx)
	if eval[bool](t, ctx, "window.hacked===1") || !eval[bool](t, ctx, `document.body.textContent.includes("<img src=x onerror")`) {
		t.Error("a name is not text")
	}
}
