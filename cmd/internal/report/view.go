package report

import (
	"html/template"
	"slices"
)

// page is everything that the template shows.
type page struct {
	Title   string
	Compare *comparison // of several runs
	Runs    []*run
	Live    bool // served by a process that watches the run: the page looks for a newer one
}

// run is a run's part of the page.
type run struct {
	ID       string // prefix of the ids in this part
	Name     string
	Path     string
	Kind     string // the command, or what the folder holds
	Verdict  string
	Facts    []fact
	Lead     []dataTable // that belong to the verdict
	Cells    []cell
	Learning []section
	Alphas   *alphas
	Shares   []section
	Masks    []maskView
	Sections []section
	Trained  *trained
	Tables   []dataTable
	Pictures []picture
	Starts   []start
	Settings []fact
	Files    []file
	Missing  []string

	curves curves // for the comparison
}

// fact is a number with its name; the note says more.
type fact struct{ Label, Value, Note string }

// section is a group of charts.
type section struct {
	Title, Note string
	Charts      []chart
}

// Kinds of charts.
const (
	lines  = "lines"
	stack  = "stack"
	bars   = "bars"   // stacked
	points = "points" // with the range from Low to High
	steps  = "steps"  // of a histogram: every value counts up to the next x
	// scatter are points that lie where they lie, not beside each other.
	scatter = "scatter"
)

// chart is drawn by the library in the page.
type chart struct {
	ID     string   `json:"-"`
	Title  string   `json:"title"`
	Note   string   `json:"-"`
	Small  bool     `json:"-"` // three of them in a row, not two
	Kind   string   `json:"kind"`
	XLabel string   `json:"xlabel"`
	YLabel string   `json:"ylabel"`
	X      []number `json:"x"`
	XNames []string `json:"xnames,omitempty"` // of whole numbers from 0
	Series []series `json:"series"`
	Marks  []mark   `json:"marks,omitempty"`
	Zero   bool     `json:"zero,omitempty"` // the axis begins there
	Peak   bool     `json:"peak,omitempty"` // the highest point is what counts, not the last
}

// mark is a vertical line.
type mark struct {
	X     number `json:"x"`
	Label string `json:"label"`
}

// series is a line of a chart.
type series struct {
	Label  string   `json:"label"`
	Values []number `json:"values"`
	Op     string   `json:"op,omitempty"`    // the operation that gives the colour
	Color  string   `json:"color,omitempty"` // or else a colour of the style sheet
	Over   bool     `json:"over,omitempty"`  // a line over a stack
	Low    []number `json:"low,omitempty"`
	High   []number `json:"high,omitempty"`
}

// cell is a drawing.
type cell struct {
	Type    string
	Title   string
	Note    string
	Drawing template.HTML
}

// dataTable is a table as a file has it.
type dataTable struct {
	Title  string
	Header []string
	Rows   [][]tableCell
	Long   bool // folded at first
}

// tableCell is a text, and perhaps where it leads.
type tableCell struct{ Text, Link string }

// picture is a file that is shown as it is.
type picture struct {
	Title string
	URI   template.URL
}

// file is a link to a file of the run.
type file struct{ Name, Link, Size string }

// start says how the run was started.
type start struct{ Time, Command, Versions string }

// drawable are the series that have anything to draw: not every run has every column.
func (c chart) drawable() (list []series) {
	for _, s := range c.Series {
		if slices.ContainsFunc(s.Values, number.known) {
			list = append(list, s)
		}
	}
	return list
}

// allSections are those of the whole run.
func (r *run) allSections() []section { return slices.Concat(r.Learning, r.Shares, r.Sections) }

// add appends a section with those charts that have points, and gives them ids.
func (r *run) add(to *[]section, title, note string, charts ...chart) {
	s := section{Title: title, Note: note}
	for _, c := range charts {
		if c.Series = c.drawable(); len(c.Series) > 0 {
			c.ID = r.ID + "-" + slug(title) + "-" + slug(c.Title)
			s.Charts = append(s.Charts, c)
		}
	}
	small := 0
	for _, c := range s.Charts {
		if c.Small {
			small++
		}
	}
	for i := range s.Charts {
		s.Charts[i].Small = s.Charts[i].Small && small == 3
	}
	if len(s.Charts) > 0 {
		*to = append(*to, s)
	}
}

// slug makes an id of a title.
func slug(title string) string {
	b := []byte(title)
	for i, c := range b {
		switch {
		case 'A' <= c && c <= 'Z':
			b[i] = c + 'a' - 'A'
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
		default:
			b[i] = '-'
		}
	}
	return string(b)
}
