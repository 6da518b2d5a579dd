package space

// Kind is what a part of an operation does.
type Kind string

// Kinds of parts. Convolutions have no bias and keep the number of channels; paddings keep height and width.
const (
	ConvPart       Kind = "conv"       // kernel, dilation, groups
	DepthwisePart  Kind = "depthwise"  // kernel, dilation: a convolution of every channel by itself
	PointwisePart  Kind = "pointwise"  // a 1x1 convolution
	BatchNormPart  Kind = "batch_norm" // with scale and shift in derived networks, without in supernets
	ReLUPart       Kind = "relu"
	MaxPool        Kind = "max_pool"
	AvgPool        Kind = "avg_pool" // the padding does not count
	Identity       Kind = "identity" // with stride 2 a factorised reduction, with ReLU and batch norm
	Zero           Kind = "zero"
	Noise          Kind = "noise"          // standard normal numbers instead of what comes in, new ones in every step
	SqueezeExcite  Kind = "squeeze_excite" // channels times sigmoid(linear(relu(linear(mean over space))))
	defaultSqueeze      = 4
)

// Part is a step of an operation.
type Part struct {
	Kind       Kind
	Kernel     int  // of convolutions and pools, odd
	Dilation   int  // of convolutions
	Groups     int  // of conv
	Reduction  int  // of squeeze_excite: the inner channels are channels / Reduction, at least 1
	SearchOnly bool // of batch_norm: derived networks leave it out
}

// Strides says whether a part can halve height and width.
func (p Part) Strides() bool {
	switch p.Kind {
	case ConvPart, DepthwisePart, PointwisePart, MaxPool, AvgPool, Identity, Noise:
		return true
	}
	return false
}

// Block is a run of parts that ends with a batch norm, or at the end of the operation. The blocks of an operation have
// places of their own in the network: "0", "1", ... if there are several.
type Block []Part

// Blocks are the parts of an operation, in blocks.
func (o *Operation) Blocks() (list []Block) {
	var b Block
	for _, p := range o.parts {
		if b = append(b, p); p.Kind == BatchNormPart {
			list, b = append(list, b), nil
		}
	}
	if len(b) > 0 {
		list = append(list, b)
	}
	return list
}

// Strider is the number of the part that halves height and width, -1 if none can.
func (o *Operation) Strider() int {
	for i, p := range o.parts {
		if p.Strides() {
			return i
		}
	}
	return -1
}

// Weighs says whether an operation with a stride has weights: batch norms without scale have none.
func (o *Operation) Weighs(stride int) bool {
	for _, p := range o.parts {
		switch p.Kind {
		case ConvPart, DepthwisePart, PointwisePart, SqueezeExcite:
			return true
		case Identity:
			if stride > 1 {
				return true
			}
		}
	}
	return false
}

// Inner are the inner channels of a squeeze-and-excite part of c channels.
func (p Part) Inner(c int) int { return max(1, c/p.Reduction) }
