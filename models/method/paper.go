package method

// Numbers are a cell of the paper's Table 1, measured on a V100 with 32 GB.
type Numbers struct {
	PeakMB   float64 `json:"peak_mb"` // of the allocator, not of the process
	Seconds  float64 `json:"search_seconds"`
	Accuracy float64 `json:"test_accuracy"` // percent, after retraining
}

// paper is Table 1 of "Half Search Space is All You Need" by data set and method.
var paper = map[string]map[string]Numbers{
	"cifar-10": {
		"darts":      {21593, 22924, 96.79},
		"beta-darts": {21593, 23166, 96.84},
		"pc-darts":   {6438, 19597, 95.32},
		"etenas":     {363, 6159, 96.11},
		"etenas-pc":  {379, 5415, 96.14},
		"darts-rnd":  {11190, 12240, 96.63},
		"zos":        {4124, 15175, 96.86},
		"zos-rnd":    {3838, 12252, 96.51},
	},
	"cifar-100": {
		"darts":      {21594, 22727, 75.86},
		"beta-darts": {21594, 22937, 80.01},
		"pc-darts":   {6438, 19619, 77.41},
		"etenas":     {364, 6134, 78.52},
		"etenas-pc":  {380, 5456, 79.10},
		"darts-rnd":  {12280, 13152, 79.58},
		"zos":        {4084, 14944, 80.46},
		"zos-rnd":    {3933, 12263, 80.35},
	},
}

// Paper gives the paper's numbers of a method on cifar-10 or cifar-100, if it has any.
func Paper(data, method string) (Numbers, bool) {
	n, ok := paper[data][method]
	return n, ok
}
