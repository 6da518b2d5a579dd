package memory

import (
	"fmt"

	"zos-ort/cmd/internal/host"
	"zos-ort/cmd/internal/settings"
	"zos-ort/cmd/internal/terminal"
)

// Available is the memory that a run may use.
type Available struct {
	Bytes int    // 0 where the system does not say
	Kind  string // "memory", "GPU memory"
	Are   string // what limits it: "are free"
}

// HostMemory is the free memory of this machine.
func HostMemory() Available {
	a := Available{Kind: "memory", Are: "are free"}
	if free, ok := host.FreeMemory(); ok {
		a.Bytes = int(free)
	}
	return a
}

// warnFrom is the share of the available memory from which on the user is warned.
const warnFrom = .8

// Guard refuses a run that does not fit, or only warns if the user insists, and warns of one that may not
// fit.
func (n Need) Guard(p *terminal.Console, insists bool) error {
	whole := n.Peak + n.Stacks
	if n.Bytes == 0 || n.Peak == 0 || float64(whole) <= warnFrom*float64(n.Bytes) {
		return nil
	}
	text := fmt.Sprintf("%s with %s %d needs %s MB of %s, as predicted, and %s MB %s", n.Part.What,
		n.Part.Flag, n.Part.Batch, terminal.MB(whole), n.Kind, terminal.MB(n.Bytes), n.Are)
	if whole <= n.Bytes {
		p.Warn("%s", text)
		return nil
	}
	remedy, err := n.Part.remedy(n.Bytes - n.Stacks)
	if err != nil {
		return err
	}
	if text += "; " + remedy; insists {
		p.Warn("%s", text)
		return nil
	}
	return fmt.Errorf("%s (use --ignore-memory to start anyway)", text)
}

// Limits refuses what the limits of this process do not allow, whatever the machine has, or only warns if the user
// insists.
func (n Need) Limits(d settings.Device, p *terminal.Console, insists bool) error {
	tensors := int64(n.Peak)
	if d.GPU {
		tensors = 0
	}
	err := host.CheckLimits(d.Threads, tensors)
	if err == nil {
		return nil
	}
	if insists {
		p.Warn("%v", err)
		return nil
	}
	return fmt.Errorf("%w (use --ignore-memory to start anyway)", err)
}

// remedy says what fits into limit bytes: the part with less memory and more time, or a smaller batch.
func (d Demand) remedy(limit int) (string, error) {
	if d.Lean != nil {
		if l, err := d.Lean(d.Batch); err != nil || l.Peak <= limit {
			return fmt.Sprintf("it fits with %v (%s MB)", l, terminal.MB(l.Peak)), err
		}
	}
	fits, err := LargestBatch(d.Peak, limit)
	if err != nil || fits >= 2 { // a batch norm needs two
		return fmt.Sprintf("the largest batch that fits is %d", fits), err
	}
	return "no batch fits", nil
}

// String is for the table of settings.
func (n Need) String() string {
	text := fmt.Sprintf("peak %s MB, predicted", terminal.MB(n.Peak))
	if n.Stacks >= terminal.Megabyte {
		text += fmt.Sprintf(", and %s MB for threads", terminal.MB(n.Stacks))
	}
	if n.Bytes > 0 {
		text += fmt.Sprintf("; %s MB %s", terminal.MB(n.Bytes), n.Are)
	}
	return text
}

// OutOfMemory explains the end of a run for which a GPU's memory did not suffice. The scratch memory of
// convolutions is not predicted: if the prediction fitted, the overshoot is unknown.
func OutOfMemory(part Demand, peak int, a Available) error {
	text := fmt.Sprintf("out of GPU memory: %s with %s %d needs %d bytes (%s), as predicted", part.What,
		part.Flag, part.Batch, peak, terminal.GiB(int64(peak)))
	there := fmt.Sprintf("%d bytes (%s) %s", a.Bytes, terminal.GiB(int64(a.Bytes)), a.Are)
	if peak <= a.Bytes {
		return &terminal.Hinted{Text: fmt.Sprintf("%s, besides the scratch memory of convolutions, and %s: try "+
			"%s %d", text, there, part.Flag, max(2, part.Batch/2))}
	}
	fits, err := LargestBatch(part.Peak, a.Bytes)
	if err != nil {
		return err
	}
	advice := "no batch fits"
	if fits >= 2 { // a batch norm needs two
		advice = fmt.Sprintf("%s %d fits", part.Flag, fits)
	}
	return &terminal.Hinted{Text: fmt.Sprintf("%s, and %s; %s", text, there, advice)}
}
