package space

import (
	"fmt"
	"strconv"
	"strings"
)

// scanner reads the small part of Python's syntax in which genotypes are published. Every method
// skips white space and comments first.
type scanner struct {
	text  string
	at    int
	space *Space // whose operations the text names
}

func (s *scanner) skip() {
	for {
		rest := strings.TrimLeft(s.text[s.at:], " \t\r\n")
		if strings.HasPrefix(rest, "#") {
			_, rest, _ = strings.Cut(rest, "\n")
			s.at = len(s.text) - len(rest)
			continue
		}
		s.at = len(s.text) - len(rest)
		return
	}
}

// accept takes a token if it is next.
func (s *scanner) accept(token string) bool {
	s.skip()
	found := strings.HasPrefix(s.text[s.at:], token)
	if found {
		s.at += len(token)
	}
	return found
}

// expect takes a token or fails.
func (s *scanner) expect(token string) error {
	if s.accept(token) {
		return nil
	}
	return s.failure(strconv.Quote(token))
}

// failure is the error of finding something else than wanted.
func (s *scanner) failure(wanted string) error {
	s.skip()
	found := "the end of the text"
	if rest := s.text[s.at:]; rest != "" {
		found = clip([]byte(rest))
	}
	return fmt.Errorf("want %s at byte %d, got %s", wanted, s.at, found)
}

// end fails if anything but white space is left.
func (s *scanner) end() error {
	if s.skip(); s.at < len(s.text) {
		return s.failure("nothing more")
	}
	return nil
}

// take takes the longest run of characters that a function allows; it may be empty.
func (s *scanner) take(allowed func(c byte) bool) string {
	s.skip()
	from := s.at
	for s.at < len(s.text) && allowed(s.text[s.at]) {
		s.at++
	}
	return s.text[from:s.at]
}

// word takes a name, which may be empty.
func (s *scanner) word() string {
	return s.take(func(c byte) bool {
		return c == '_' || digit(c) || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
	})
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

// integer takes an unsigned decimal number.
func (s *scanner) integer() (int, error) {
	digits := s.take(digit)
	if digits == "" {
		return 0, s.failure("a number")
	}
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 0, fmt.Errorf("%s at byte %d is out of range", clip([]byte(digits)), s.at-len(digits))
	}
	return n, nil
}

// primitive takes the quoted name of an operation.
func (s *scanner) primitive() (Primitive, error) {
	quote := "'"
	if !s.accept(quote) {
		quote = `"`
		if err := s.expect(quote); err != nil {
			return nil, s.failure("a quoted name")
		}
	}
	name, _, found := strings.Cut(s.text[s.at:], quote)
	if !found {
		return nil, s.failure("a quoted name")
	}
	s.at += len(name) + len(quote)
	return s.space.Operation(name)
}

// sequence takes the items of a Python list or tuple.
func (s *scanner) sequence(item func(i int) error) error {
	if s.skip(); strings.HasPrefix(s.text[s.at:], "(") {
		return s.list("(", ")", item)
	}
	return s.list("[", "]", item)
}

// list takes items between brackets, separated by commas; one comma may follow the last.
func (s *scanner) list(left, right string, item func(i int) error) error {
	if err := s.expect(left); err != nil {
		return err
	}
	for i := 0; !s.accept(right); i++ {
		if err := item(i); err != nil {
			return err
		}
		if !s.accept(",") {
			return s.expect(right)
		}
	}
	return nil
}
