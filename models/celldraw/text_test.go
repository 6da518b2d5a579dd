package celldraw

import (
	"strings"
	"testing"

	"zos-ort/models/space"
)

func TestText(t *testing.T) {
	const want = `  node 0 = sep_conv_3x3(c_{k-2}) + sep_conv_3x3(c_{k-1})
  node 1 = sep_conv_3x3(c_{k-2}) + sep_conv_3x3(c_{k-1})
  node 2 = sep_conv_3x3(c_{k-1}) + skip_connect(c_{k-2})
  node 3 = skip_connect(c_{k-2}) + dil_conv_3x3(node 0)
  c_{k} joins the four nodes`
	if got := Text(named(t, "DARTS_V2"), space.Normal); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for line := range strings.Lines(Text(named(t, "PC_DARTS_cifar"), space.Reduce)) {
		if len(line) > 70 {
			t.Errorf("%d columns: %s", len(line), line)
		}
	}
}
