package space

import (
	"fmt"
	"strings"
)

// published are genotypes from the literature, as their authors print them: DARTS (first and second
// order) and PC-DARTS on CIFAR-10.
var published = [...]struct{ name, text string }{
	{"DARTS_V1", `Genotype(
		normal=[('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('skip_connect', 0), ('sep_conv_3x3', 1),
		        ('skip_connect', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('skip_connect', 2)],
		normal_concat=[2, 3, 4, 5],
		reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 0),
		        ('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2), ('avg_pool_3x3', 0)],
		reduce_concat=[2, 3, 4, 5])`},
	{"DARTS_V2", `Genotype(
		normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1),
		        ('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)],
		normal_concat=[2, 3, 4, 5],
		reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1),
		        ('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)],
		reduce_concat=[2, 3, 4, 5])`},
	{"PC_DARTS_cifar", `Genotype(
		normal=[('sep_conv_3x3', 1), ('skip_connect', 0), ('sep_conv_3x3', 0), ('dil_conv_3x3', 1),
		        ('sep_conv_5x5', 0), ('sep_conv_3x3', 1), ('avg_pool_3x3', 0), ('dil_conv_3x3', 1)],
		normal_concat=range(2, 6),
		reduce=[('sep_conv_5x5', 1), ('max_pool_3x3', 0), ('sep_conv_5x5', 1), ('sep_conv_5x5', 2),
		        ('sep_conv_3x3', 0), ('sep_conv_3x3', 3), ('sep_conv_3x3', 1), ('sep_conv_3x3', 2)],
		reduce_concat=range(2, 6))`},
}

// Named gives a published genotype. The error of an unknown name lists the known ones.
func Named(name string) (Genotype, error) {
	for _, p := range published {
		if p.name == name {
			return DARTS.ParseGenotype(p.text)
		}
	}
	return Genotype{}, fmt.Errorf("genotype: unknown name %q: use one of %s",
		name, strings.Join(Names(), ", "))
}

// Names lists the names that Named knows.
func Names() []string {
	names := make([]string, len(published))
	for i, p := range published {
		names[i] = p.name
	}
	return names
}
