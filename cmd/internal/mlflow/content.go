package mlflow

import "strings"

// longestParam is the length of a value that every version of the server takes. The files have the whole.
const longestParam = 500

// params are the settings of the run.
func (j *pushing) params() (list []pair) {
	for _, s := range j.log.Settings {
		value := []rune(s.Value)
		if len(value) > longestParam {
			value = append(value[:longestParam-1], '…')
		}
		list = append(list, pair{keyOf(s.Name), string(value)})
	}
	return list
}

// tags say what the run is. Those that begin with mlflow are what its page shows.
func (j *pushing) tags() (list []pair) {
	for _, t := range []pair{{"mlflow.source.type", "LOCAL"}, {"mlflow.source.name", j.log.Command},
		{"mlflow.note.content", j.log.Verdict}, {"zos.kind", j.log.Kind}, {"zos.program", j.log.Program},
		{"zos.genotype", j.log.Genotype}} {
		if t.Value != "" {
			list = append(list, t)
		}
	}
	return list
}

// metrics are the points of the run.
func (j *pushing) metrics() (list []metric) {
	for _, p := range j.log.Points {
		list = append(list, metric{keyOf(p.Tag), p.Value, milliseconds(p.Time), int64(p.Step)})
	}
	return list
}

func milliseconds(seconds float64) int64 { return int64(seconds * 1e3) }

// keyOf is a name with the characters that the server takes.
func keyOf(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-. :/", r) {
			return r
		}
		return '_'
	}, name)
}
