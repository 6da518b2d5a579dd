package data

import (
	"slices"
	"testing"
)

// TestRelabel: classes are matched by their names, whatever their order.
func TestRelabel(t *testing.T) {
	s := &Set{Name: "pets test", Size: 1, Classes: []string{"cafe\u0301", "dog"}, Labels: []int32{0, 1, 1, 0},
		Images: make([]uint8, 4*Channels), Std: cifarStd}
	got, err := s.Relabel([]string{"ant", "caf\u00e9", "cat", "dog"})
	if err != nil {
		t.Fatal(err)
	}
	if want := []int32{1, 3, 3, 1}; !slices.Equal(got.Labels, want) {
		t.Errorf("labels %v, want %v", got.Labels, want)
	}
	if !slices.Equal(s.Labels, []int32{0, 1, 1, 0}) {
		t.Error("the labels of the set itself have changed")
	}
	if err := got.Check(); err != nil {
		t.Error(err)
	}
	_, err = s.Relabel([]string{"ant", "cat"})
	wantError(t, err, "2 of the 2 classes of pets test", `"dog"`, `["ant" "cat"]`)
	_, err = (&Set{Classes: []string{"fish"}}).Relabel([]string{"1", "2", "3", "4", "5", "6", "7"})
	wantError(t, err, `["1" "2" "3" "4" "5"] and 2 more`, `["fish"]`)
}
