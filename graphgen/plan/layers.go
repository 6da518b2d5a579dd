package plan

// Layers splits the timeline by layer: it returns the live bytes of every layer at every position,
// where of gives the layer of a buffer. The layers add up to Timeline.
func (p Plan) Layers(of func(Tensor) string) map[string][]int {
	layers := map[string][]int{}
	for _, s := range p.Spans {
		key := of(s.Tensor)
		if layers[key] == nil {
			layers[key] = make([]int, len(p.Timeline)+1)
		}
		layers[key][s.First] += s.Bytes
		layers[key][s.Last+1] -= s.Bytes
	}
	for key, l := range layers {
		for i := 1; i < len(l); i++ {
			l[i] += l[i-1]
		}
		layers[key] = l[:len(p.Timeline)]
	}
	return layers
}
