package main

import (
	"errors"
	"fmt"

	"zos-ort/cmd/internal/host"
	"zos-ort/cmd/internal/terminal"
	"zos-ort/ort"
)

// room is the memory that a run may use.
type room struct {
	Bytes int    // 0 where nobody says
	kind  string // "memory", "GPU memory"
	are   string // why it is no more: "are free"
}

// hostRoom is that of this machine.
func hostRoom() room {
	r := room{kind: "memory", are: "are free"}
	if free, ok := host.FreeMemory(); ok {
		r.Bytes = int(free)
	}
	return r
}

// room is that of the device: on a GPU what is free there, and what the pool has taken already, up to
// the limit. It is unknown of a GPU that is planned for and not there.
func (d deviceSettings) room() room {
	if d.cuda == nil {
		return hostRoom()
	}
	r := room{kind: "GPU memory", are: "are free"}
	if d.gpu != nil {
		if s, err := ort.Pool(); err == nil {
			r.Bytes = int(s.Available + s.Held)
		}
	}
	if limit := int(d.cuda.Limit); limit > 0 && (r.Bytes == 0 || limit < r.Bytes) {
		r.Bytes, r.are = limit, "are allowed"
	}
	return r
}

// explain completes the error of a part of a run that ran out of GPU memory: one line with what was
// predicted, what there is, and the batch that fits. Other errors stay.
func (d deviceSettings) explain(err error, part demand) error {
	var failed *ort.Error
	if d.gpu == nil || !errors.As(err, &failed) {
		return err
	}
	if s, unread := ort.Pool(); unread != nil || s.Refused == 0 {
		return err
	}
	peak, unplanned := part.peak(part.batch)
	if unplanned != nil {
		return err
	}
	return outOfMemory(part, peak, d.room())
}

// outOfMemory says what happened. The scratch memory of convolutions is not predicted: where the rest
// would have fitted, nobody knows by how much it was too much.
func outOfMemory(part demand, peak int, r room) error {
	text := fmt.Sprintf("out of GPU memory: %s with %s %d needs %d bytes (%s), as predicted", part.what,
		part.flag, part.batch, peak, terminal.GiB(int64(peak)))
	there := fmt.Sprintf("%d bytes (%s) %s", r.Bytes, terminal.GiB(int64(r.Bytes)), r.are)
	if peak <= r.Bytes {
		return &terminal.Hinted{Text: fmt.Sprintf("%s, besides the scratch memory of convolutions, and %s: try %s %d",
			text, there, part.flag, max(2, part.batch/2))}
	}
	fits, err := largestBatch(part.peak, r.Bytes)
	if err != nil {
		return err
	}
	advice := "no batch fits"
	if fits >= 2 { // a batch norm needs two
		advice = fmt.Sprintf("%s %d fits", part.flag, fits)
	}
	return &terminal.Hinted{Text: fmt.Sprintf("%s, and %s; %s", text, there, advice)}
}
