// Command compile makes images.tar.gz of kernels.cu, with NVRTC in the cache.
package main

import (
	"fmt"
	"os"

	"zos-ort/ort/kernels/device"
	"zos-ort/ort/kernels/device/nvrtc"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "compile:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("needs the text and the archive to write")
	}
	text, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	compiler, err := nvrtc.Open()
	if err != nil {
		return err
	}
	images, err := device.Compile(string(text), compiler.Compile)
	if err != nil {
		return err
	}
	packed, err := device.Pack(string(text), images)
	if err != nil {
		return err
	}
	for _, i := range images {
		fmt.Printf("%-20s %7d bytes\n", i.File(), len(i.Code))
	}
	return os.WriteFile(args[1], packed, 0o644)
}
