package host

import "os"

// PeakRSS is the largest resident size of this process so far in bytes, as Linux counts it; 0 where
// the system does not say.
func PeakRSS() int64 {
	kib, _ := status(os.DirFS("/"), "self", "VmHWM:")
	return kib << 10
}
