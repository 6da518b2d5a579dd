package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"

	"zos-ort/cmd/internal/rundir"
)

// FileName is the page of a run in its directory.
const FileName = "report.html"

//go:embed assets/page.html
var pageText string

var (
	//go:embed assets/uPlot.iife.min.js
	libraryJS string
	//go:embed assets/uPlot.min.css
	libraryCSS string
	//go:embed assets/uPlot.LICENSE
	libraryLicense string
	//go:embed assets/page.css
	pageCSS string
	//go:embed assets/charts.js
	chartsJS string
	//go:embed assets/page.js
	pageJS string
)

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"chartData":  chartData, // html/template writes values in scripts as JSON, with <, > and & escaped
	"libraryCSS": func() template.CSS { return template.CSS(libraryCSS) },
	"pageCSS":    func() template.CSS { return template.CSS(pageCSS) },
	"libraryJS":  func() template.JS { return template.JS(libraryJS) },
	"pageJS":     func() template.JS { return template.JS(chartsJS + pageJS) },
	"license":    func() string { return libraryLicense },
}).Parse(pageText))

// chartData are all charts of a page by their ids.
func chartData(p page) map[string]chart {
	all := map[string]chart{}
	if p.Compare != nil {
		for _, c := range p.Compare.Charts {
			all[c.ID] = c
		}
	}
	for _, r := range p.Runs {
		for _, s := range r.allSections() {
			for _, c := range s.Charts {
				all[c.ID] = c
			}
		}
	}
	return all
}

// Mark tells a page from other HTML files.
const Mark = `<meta name="generator" content="zos-ort report">`

// Options of a page.
type Options struct {
	Live      bool // the page is served and looks for a newer one
	Elsewhere bool // the page lies in another folder than the run: it has no links to files
}

// Page is the page of runs: of one, or of several beside each other.
func Page(dirs []string, o Options) ([]byte, error) {
	p := page{Live: o.Live}
	for i, dir := range dirs {
		r, err := load(dir, fmt.Sprintf("run%d", i+1))
		if err != nil {
			return nil, err
		}
		p.Runs = append(p.Runs, r)
	}
	if len(p.Runs) == 1 {
		p.Title = p.Runs[0].Kind + " " + p.Runs[0].Name
	} else {
		p.Title = fmt.Sprintf("%d runs compared", len(p.Runs))
		p.Compare = compare(p.Runs)
	}
	if o.Elsewhere {
		for _, r := range p.Runs {
			r.unlink()
		}
	}
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, p); err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	return b.Bytes(), nil
}

// unlink takes away links to the files of a run.
func (r *run) unlink() {
	r.Files = nil
	for _, t := range r.Tables { // those of Lead have none
		for _, row := range t.Rows {
			for i := range row {
				row[i].Link = ""
			}
		}
	}
}

// Verdict says what a run has found and how good it is, as its page does.
func Verdict(dir string) (string, error) {
	r, err := load(dir, "")
	if err != nil {
		return "", err
	}
	return r.Verdict, nil
}

// Write draws a run into its directory, and brings the events for TensorBoard up to date.
func Write(dir string) error {
	b, err := Page([]string{dir}, Options{})
	if err != nil {
		return err
	}
	if err := rundir.Dir(dir).Write(FileName, b); err != nil {
		return err
	}
	f, err := openFolder(dir)
	if err != nil {
		return err
	}
	defer f.root.Close()
	return writeEvents(f)
}
