package terminal

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strconv"
)

// LogTo also writes what is said into a log, a JSON object on a line, whatever the console shows of it.
func (p *Console) LogTo(w io.Writer) { p.log = NewLog(w) }

// NewLog is a log of JSON objects.
func NewLog(w io.Writer) *slog.Logger { return slog.New(slog.NewJSONHandler(w, nil)) }

// record logs a message.
func (p *Console) record(level slog.Level, format string, args ...any) {
	if p.log != nil {
		p.log.Log(context.Background(), level, fmt.Sprintf(format, args...))
	}
}

// Row logs the row of a table, such as an epoch, by the names of its columns. It is for the log alone.
func (p *Console) Row(what string, header, row []string) {
	if p.log == nil {
		return
	}
	var values []any
	for i, name := range header[:min(len(header), len(row))] {
		if x, err := strconv.ParseFloat(row[i], 64); err == nil {
			values = append(values, slog.Float64(name, x))
		} else {
			values = append(values, slog.String(name, row[i]))
		}
	}
	p.log.Info(what, values...)
}
