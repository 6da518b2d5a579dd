package terminal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"
)

// TestBarsStayWithinTheTerminal: no line of a bar is wider than the terminal, or it would break.
func TestBarsStayWithinTheTerminal(t *testing.T) { synctest.Test(t, testBars) }

func testBars(t *testing.T) {
	for _, width := range []int{20, 30, 40, 60, 80, 120, 200} {
		var out bytes.Buffer
		p := New(&out, &out, false, false)
		p.fixed = width
		p.Start(12345, "pruning round 1, 224 operations")
		for i := range 4 {
			time.Sleep(throttle + time.Millisecond) // of the bubble's clock
			p.Step(fmt.Sprintf("epoch %d, loss 2.345, accuracy 0.12, GPU memory 1234.5 MB of 80 GB", i))
		}
		shown := 0
		for line := range strings.SplitSeq(out.String(), "\r") {
			if n := utf8.RuneCountInString(line); n >= width {
				t.Errorf("%d columns on a terminal of %d: %q", n, width, line)
			}
			if strings.Contains(line, "%") {
				shown++
			}
		}
		if shown < 3 {
			t.Errorf("width %d: %d bars in %q", width, shown, out.String())
		}
		p.Stop()
	}
}

// TestSpinnersEnd: a spinner says all of what it is told where there is room, and nothing after its end.
func TestSpinnersEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := New(&out, &out, false, false)
		p.fixed = 80
		p.Start(-1, "decision 13")
		for range 3 {
			time.Sleep(throttle + time.Millisecond)
			p.Step("decision 13, 2 min left")
		}
		p.Stop()
		synctest.Wait()
		text := out.String()
		if !strings.Contains(text, "decision 13, 2 min left (") {
			t.Errorf("got %q", text)
		}
		time.Sleep(10 * throttle)
		if more := strings.TrimPrefix(out.String(), text); more != "" {
			t.Errorf("after its end the spinner wrote %q", more)
		}
	})
}

// TestLog: everything that is said is in the log, also where the console is quiet.
func TestLog(t *testing.T) {
	var out, log bytes.Buffer
	p := New(&out, &out, false, true)
	p.LogTo(&log)
	p.Say("said %d", 1)
	p.Warn("warned")
	p.Result("found")
	p.Row("epoch", []string{"epoch", "loss", "genotype"}, []string{"3", "0.5", "Genotype(...)"})
	var lines []map[string]any
	for line := range strings.Lines(log.String()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		lines = append(lines, m)
	}
	if len(lines) != 4 || out.Len() > 0 {
		t.Fatalf("log %v, output %q", lines, out.String())
	}
	for i, want := range [][2]any{{"INFO", "said 1"}, {"WARN", "warned"}, {"INFO", "found"}, {"INFO", "epoch"}} {
		if lines[i]["level"] != want[0] || lines[i]["msg"] != want[1] || lines[i]["time"] == nil {
			t.Errorf("line %d is %v, want %v", i, lines[i], want)
		}
	}
	if e := lines[3]; e["epoch"] != 3. || e["loss"] != .5 || e["genotype"] != "Genotype(...)" {
		t.Errorf("epoch %v", e)
	}
}
