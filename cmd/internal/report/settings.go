package report

import (
	"encoding/json"
	"fmt"
	"strings"
)

// flatten lists the values of a JSON object by the path of their keys, in the order of the file.
func flatten(content []byte) (list []fact) {
	d := json.NewDecoder(strings.NewReader(string(content)))
	d.UseNumber()
	var walk func(prefix string) error
	walk = func(prefix string) error {
		token, err := d.Token()
		if err != nil {
			return err
		}
		open, ok := token.(json.Delim)
		if !ok {
			list = append(list, fact{Label: prefix, Value: fmt.Sprint(token)})
			return nil
		}
		if open == '[' {
			var items []string
			for d.More() {
				var item json.RawMessage
				if err := d.Decode(&item); err != nil {
					return err
				}
				items = append(items, strings.Trim(strings.Join(strings.Fields(string(item)), " "), `"`))
			}
			list = append(list, fact{Label: prefix, Value: strings.Join(items, ", ")})
		}
		for open == '{' && d.More() {
			key, err := d.Token()
			if err != nil {
				return err
			}
			if err := walk(strings.TrimPrefix(prefix+"."+fmt.Sprint(key), ".")); err != nil {
				return err
			}
		}
		_, err = d.Token()
		return err
	}
	_ = walk("") // of a file that is cut off, what comes before the cut
	return list
}
