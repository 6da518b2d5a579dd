package device_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"zos-ort/ort/kernels/device"
	"zos-ort/ort/kernels/device/nvrtc"
)

// The images are of this text, and of their targets: cubins say for which architecture they are.
func TestImages(t *testing.T) {
	images, err := device.Images()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range images {
		if i.PTX {
			if !bytes.Contains(i.Code, []byte(".target sm_75")) {
				t.Errorf("%s is no PTX for sm_75", i.File())
			}
		} else if !bytes.HasPrefix(i.Code, []byte("\x7fELF")) || int(i.Code[49]) != i.Capability {
			t.Errorf("%s is no cubin for it", i.File())
		}
		for _, kernel := range []string{"zos_run_few", "zos_run_many"} {
			if i.BFloat16 {
				kernel += "_bfloat16"
			}
			if !bytes.Contains(i.Code, []byte(kernel)) {
				t.Errorf("%s lacks %s", i.File(), kernel)
			}
		}
	}
}

// Compiled again, the text gives the images to the bit.
func TestImagesAreRebuilt(t *testing.T) {
	compiler, err := nvrtc.Open()
	if errors.Is(err, nvrtc.ErrMissing) {
		t.Skipf("skipped: %v", err)
	} else if err != nil {
		t.Fatal(err)
	}
	images, err := device.Images()
	if err != nil {
		t.Fatal(err)
	}
	again, err := device.Compile(device.Source, compiler.Compile)
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range again {
		if !bytes.Equal(m.Code, images[i].Code) {
			t.Errorf("%s is another one when it is compiled again", m.File())
		}
	}
	_, err = compiler.Compile(strings.Replace(device.Source, "int n; ", "", 1), "sm_90", false)
	if err == nil || !strings.Contains(err.Error(), "kernels.cu") {
		t.Errorf("a broken text gives %v", err)
	}
}
