package report

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"zos-ort/graphgen/check"
)

// FuzzRun: a page is drawn, or refused, whatever one of a run's files holds: scores, metrics, alphas, settings, a
// sweep's status. An edit replaces a piece of a good file.
func FuzzRun(f *testing.F) {
	runs := []string{"search", "retrain", "sweep"}
	var files [][]string
	for _, run := range runs {
		entries := check.Must(os.ReadDir(filepath.Join("testdata", run)))(f)
		var names []string
		for _, e := range entries {
			if e.Type().IsRegular() && !slices.Contains([]string{".svg", ".png"}, filepath.Ext(e.Name())) {
				names = append(names, e.Name())
			}
		}
		files = append(files, names)
	}
	f.Add(uint8(0), uint8(3), uint16(20), uint16(400), "")
	f.Add(uint8(0), uint8(13), uint16(90), uint16(3), "NaN,1e999,-1")
	f.Add(uint8(2), uint8(4), uint16(0), uint16(60000), "[{}]")
	f.Fuzz(func(t *testing.T, run, file uint8, at, cut uint16, text string) {
		r := int(run) % len(runs)
		name := files[r][int(file)%len(files[r])]
		dir := copied(t, runs[r])
		content := readText(t, dir, name)
		from := min(int(at), len(content))
		write(t, content[:from]+text+content[min(len(content), from+int(cut)):], dir, name)
		_, _ = Page([]string{dir}, Options{})
	})
}
