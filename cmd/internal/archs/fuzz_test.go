package archs

import (
	"os"
	"path/filepath"
	"testing"

	"zos-ort/graphgen/check"
	"zos-ort/models/space"
)

// FuzzTable: any table of architectures is read or refused, and what is read are valid genotypes with numbers.
func FuzzTable(f *testing.F) {
	const cell = "sep_conv_3x3:0 sep_conv_3x3:1 sep_conv_3x3:0 sep_conv_3x3:1 sep_conv_3x3:1 skip_connect:0 " +
		"skip_connect:0 dil_conv_3x3:2"
	f.Add([]byte("normal,reduce,accuracy\n" + cell + "," + cell + ",94.5\n"))
	f.Add([]byte("accuracy,accuracy_test,normal,reduce\nNaN,1," + cell + "," + cell + "\n"))
	f.Add([]byte("architecture,accuracy\n|none~0|+|none~0|none~1|+|none~0|none~1|none~2|,10\n"))
	f.Add([]byte("normal,reduce\n\"a\nb\",\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(t.TempDir(), "table.csv")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		check.Bounded(t, len(b), 100*len(b), func() { // a line of two bytes becomes a slice of texts
			x, err := Read(path)
			if err != nil {
				return
			}
			for _, g := range x.Genotypes {
				if back, err := space.DARTS.ParseGenotype(g.String()); err != nil || back != g {
					t.Errorf("%v is read as %v, %v", g, back, err)
				}
			}
			name, err := x.Accuracy()
			if err != nil {
				return
			}
			if column, err := x.Column(name); err == nil && len(column) != len(x.Genotypes) {
				t.Errorf("%d numbers for %d genotypes", len(column), len(x.Genotypes))
			}
		})
	})
}
