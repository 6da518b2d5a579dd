package space

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// schemaPrefix and schemaVersion head every file of this package.
const (
	schemaPrefix  = "zos-ort/"
	schemaVersion = 1
)

// field says where the value of a key goes.
type field struct {
	key      string
	into     any
	optional bool
}

// readObject reads a versioned JSON object of the given kind. encoding/json ignores unknown and
// repeated keys and the case of keys; here they are errors, as are missing keys and text behind
// the object. The fields depend on the space that the object names, DARTS if it names none.
func readObject(kind string, data []byte, fields func(s *Space) []field) (*Space, error) {
	values, err := splitObject(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", kind, err)
	}
	s, err := takeHead(kind, values)
	if err == nil {
		err = takeFields(values, fields(s))
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", kind, err)
	}
	// The smallest name, so that the message does not depend on the order of a map.
	unknown := ""
	for key := range values {
		if unknown == "" || key < unknown {
			unknown = key
		}
	}
	if len(values) > 0 {
		return nil, fmt.Errorf("%s: unknown key %q", kind, unknown)
	}
	return s, nil
}

// takeHead checks schema and version and gives the space.
func takeHead(kind string, values map[string]json.RawMessage) (*Space, error) {
	var schema string
	var version int
	var space Ref
	head := []field{{key: "schema", into: &schema}, {key: "version", into: &version}}
	if err := takeFields(values, head); err != nil {
		return nil, err
	}
	if want := schemaPrefix + kind; schema != want {
		return nil, fmt.Errorf("schema is %q, want %q", schema, want)
	}
	if version != schemaVersion {
		return nil, fmt.Errorf("version is %d, this program reads %d", version, schemaVersion)
	}
	err := takeFields(values, []field{{key: "space", into: &space, optional: true}})
	return space.Of(), err
}

// byType are the fields of the cell types of a space.
func byType[T any](s *Space, into *[2]T, key func(CellType) string, optional bool) (list []field) {
	for _, t := range s.types {
		list = append(list, field{key: key(t), into: &into[t], optional: optional})
	}
	return list
}

// splitObject gives the values of a JSON object by key.
func splitObject(data []byte) (map[string]json.RawMessage, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	open, err := d.Token()
	if err != nil {
		return nil, notJSON(err)
	}
	if open != json.Delim('{') {
		return nil, errors.New("not a JSON object")
	}
	values := map[string]json.RawMessage{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, notJSON(err)
		}
		key, _ := token.(string) // the decoder lets nothing else through in this place
		if _, twice := values[key]; twice {
			return nil, fmt.Errorf("key %q appears twice", key)
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, fmt.Errorf("key %q: %w", key, notJSON(err))
		}
		values[key] = value
	}
	if _, err := d.Token(); err != nil {
		return nil, notJSON(err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("text after the end of the JSON object")
	}
	return values, nil
}

// notJSON is the error of text that is none.
func notJSON(err error) error { return fmt.Errorf("not JSON: %w", unexpected(err)) }

// unexpected names a file that ends too early as such: a bare EOF tells a user little.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// takeFields decodes fields and removes them from values.
func takeFields(values map[string]json.RawMessage, fields []field) error {
	for _, f := range fields {
		raw, found := values[f.key]
		switch {
		case !found && f.optional:
			continue
		case !found:
			return fmt.Errorf("key %q is missing", f.key)
		}
		if err := decode(raw, f.into); err != nil {
			return fmt.Errorf("key %q: %w", f.key, err)
		}
		delete(values, f.key)
	}
	return nil
}

// decode is json.Unmarshal that does not take null for "leave it as it is".
func decode(raw json.RawMessage, into any) error {
	if string(raw) == "null" {
		return errors.New("is null")
	}
	return json.Unmarshal(raw, into)
}

// named is the pair [name, value] of the JSON forms of genotypes and alphas: lists of pairs keep
// their order and make a repeated name visible, which objects would not.
type named struct {
	name  string
	value json.RawMessage
}

// UnmarshalJSON reads the pair.
func (n *named) UnmarshalJSON(data []byte) error {
	var parts []json.RawMessage
	if err := json.Unmarshal(data, &parts); err != nil || len(parts) != 2 {
		return fmt.Errorf("want a pair [operation, number], got %s", clip(data))
	}
	if err := decode(parts[0], &n.name); err != nil {
		return fmt.Errorf("want the name of an operation, got %s", clip(parts[0]))
	}
	n.value = parts[1]
	return nil
}

// clip keeps error texts short.
func clip(data []byte) string {
	const most = 40
	if len(data) > most {
		return strconv.Quote(string(data[:most])) + "..."
	}
	return strconv.Quote(string(data))
}
