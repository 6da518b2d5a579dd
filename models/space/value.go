package space

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// value is a part of a JSON document that knows where it stands, so that an error can name line and field.
type value struct {
	line   int
	path   string
	is     any // string, json.Number, bool, nil, []*value or object
	broken *error
}

// object keeps the order of its keys.
type object struct {
	keys   []string
	values map[string]*value
}

// readValue reads a document into values.
func readValue(data []byte) (*value, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	at, lines := 0, 1 // what the decoder has read, and the line where that ends
	line := func() int {
		end := int(d.InputOffset())
		lines += bytes.Count(data[at:end], []byte("\n"))
		at = end
		return lines
	}
	var broken error
	v, err := readInto(d, line, "", &broken, 0)
	if err == nil {
		if _, err = d.Token(); err == io.EOF {
			return v, nil
		}
		err = fmt.Errorf("text after the end of the object")
	}
	return nil, fmt.Errorf("line %d: %w", line(), unexpected(err))
}

// maxDepth is more than any space needs.
const maxDepth = 8

func readInto(d *json.Decoder, line func() int, path string, broken *error, depth int) (*value, error) {
	token, err := d.Token()
	if err != nil {
		return nil, notJSON(err)
	}
	v := &value{line: line(), path: path, is: token, broken: broken}
	if depth == maxDepth {
		return nil, fmt.Errorf("%s: lists and objects are nested too deep", path)
	}
	switch token {
	case json.Delim('['):
		list := []*value{}
		for d.More() {
			item, err := readInto(d, line, fmt.Sprintf("%s[%d]", path, len(list)), broken, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, item)
		}
		v.is = list
	case json.Delim('{'):
		o := object{values: map[string]*value{}}
		for d.More() {
			if err := o.read(d, line, path, broken, depth); err != nil {
				return nil, err
			}
		}
		v.is = o
	default:
		return v, nil
	}
	if _, err := d.Token(); err != nil {
		return nil, notJSON(err)
	}
	return v, nil
}

func (o *object) read(d *json.Decoder, line func() int, path string, broken *error, depth int) error {
	token, err := d.Token()
	if err != nil {
		return notJSON(err)
	}
	key, _ := token.(string) // the decoder lets nothing else through in this place
	if _, twice := o.values[key]; twice {
		return fmt.Errorf("key %q appears twice", key)
	}
	o.keys = append(o.keys, key)
	o.values[key], err = readInto(d, line, strings.TrimPrefix(path+"."+key, "."), broken, depth+1)
	return err
}

// fail keeps the first error of a document.
func (v *value) fail(format string, args ...any) {
	if *v.broken != nil {
		return
	}
	place := fmt.Sprintf("line %d", v.line)
	if v.path != "" {
		place += ": " + v.path
	}
	*v.broken = fmt.Errorf("%s: %s", place, fmt.Sprintf(format, args...))
}

// what says what a value is, for errors.
func (v *value) what() string {
	switch x := v.is.(type) {
	case string:
		return strconv.Quote(x)
	case json.Number:
		return clipText(x.String())
	case []*value:
		return "a list"
	case object:
		return "an object"
	}
	return fmt.Sprint(v.is)
}

func clipText(s string) string {
	if len(s) > 40 {
		return s[:40] + "..."
	}
	return s
}

// fields gives the values of an object by key. Keys that are not known are errors, as are missing ones but for those
// with a question mark, which are nil then.
func (v *value) fields(keys ...string) []*value {
	list := make([]*value, len(keys))
	o, ok := v.is.(object)
	if !ok {
		v.fail("want an object, got %s", v.what())
	}
	for i, key := range keys {
		name, optional := strings.CutSuffix(key, "?")
		keys[i] = name
		if list[i] = o.values[name]; list[i] == nil && !optional {
			v.fail("key %q is missing", name)
		}
	}
	for _, key := range o.keys {
		if !slices.Contains(keys, key) {
			o.values[key].fail("unknown key: use %s", strings.Join(keys, ", "))
		}
	}
	return list
}

// list gives the items of a list with at least min and at most max of them.
func (v *value) list(least, most int) []*value {
	if v == nil {
		return nil
	}
	list, ok := v.is.([]*value)
	switch {
	case !ok:
		v.fail("want a list, got %s", v.what())
	case len(list) < least || len(list) > most:
		v.fail("want %d to %d items, got %d", least, most, len(list))
		return nil
	}
	return list
}

// text is a string of at most 200 bytes.
func (v *value) text() string {
	if v == nil {
		return ""
	}
	s, ok := v.is.(string)
	if !ok || len(s) > 200 {
		v.fail("want a text of at most 200 bytes, got %s", v.what())
	}
	return s
}

// choice is one of some strings.
func (v *value) choice(of ...string) string {
	if v == nil {
		return of[0]
	}
	s := v.text()
	if !slices.Contains(of, s) {
		v.fail("unknown %q: use one of %s", clipText(s), strings.Join(of, ", "))
	}
	return s
}

// number is a whole number in a range; the lowest one if the document gives none.
func (v *value) number(least, most int) int {
	if v == nil {
		return least
	}
	n, ok := v.is.(json.Number)
	x, err := strconv.Atoi(n.String())
	if !ok || err != nil || x < least || x > most {
		if most == math.MaxInt32 {
			v.fail("want a whole number of at least %d, got %s", least, v.what())
		} else {
			v.fail("want a whole number from %d to %d, got %s", least, most, v.what())
		}
		return least
	}
	return x
}

// flag is true or false; false if the document does not say.
func (v *value) flag() bool {
	if v == nil {
		return false
	}
	b, ok := v.is.(bool)
	if !ok {
		v.fail("want true or false, got %s", v.what())
	}
	return b
}
