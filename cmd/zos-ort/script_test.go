package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/urfave/cli/v2"

	"zos-ort/cmd/internal/surrogate/fakes"
	"zos-ort/graphgen/ir"
	"zos-ort/graphgen/onnx"
	"zos-ort/graphgen/op"
)

// cifarCommand is `cifar FOLDER RECORDS [LABEL [BYTES]]`: a CIFAR-10 folder with this number of
// records in each of two files, every label LABEL (default 3), the first file cut to BYTES bytes.
func cifarCommand(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: cifar FOLDER RECORDS [LABEL [BYTES]]")
	}
	number := func(i, otherwise int) int {
		if i >= len(args) {
			return otherwise
		}
		n, err := strconv.Atoi(args[i])
		ts.Check(err)
		return n
	}
	dir := ts.MkAbs(args[0])
	record := append([]byte{byte(number(2, 3))}, bytes.Repeat([]byte{90, 180}, 3*32*32/2)...)
	all := bytes.Repeat(record, number(1, 0))
	ts.Check(os.MkdirAll(dir, 0o755))
	for name, content := range map[string][]byte{"data_batch_1.bin": all[:number(3, len(all))],
		"test_batch.bin": all, "batches.meta.txt": []byte("airplane\nautomobile\nbird\ncat\ndeer\ndog\n" +
			"frog\nhorse\nship\ntruck\n")} {
		ts.Check(os.WriteFile(filepath.Join(dir, name), content, 0o644))
	}
}

// alterCommand is `alter FROM TO OLD NEW`: TO is FROM with the first OLD replaced by NEW.
func alterCommand(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 4 {
		ts.Fatalf("usage: alter FROM TO OLD NEW")
	}
	text := ts.ReadFile(args[0])
	if !strings.Contains(text, args[2]) {
		ts.Fatalf("%s does not contain %q", args[0], args[2])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(strings.Replace(text, args[2], args[3], 1)), 0o644))
}

// clibCommand is `clib FILE.c FILE.so`: a shared library of C source.
func clibCommand(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: clib FILE.c FILE.so")
	}
	cc, err := exec.LookPath("cc")
	if err != nil {
		ts.Fatalf("no C compiler (cc): guard the script with [!exec:cc] skip")
	}
	out, err := exec.Command(cc, "-shared", "-fPIC", "-o", ts.MkAbs(args[1]),
		ts.MkAbs(args[0])).CombinedOutput()
	if err != nil {
		ts.Fatalf("cc: %v\n%s", err, out)
	}
}

// modelCommand is `model FILE`: the ONNX file of y = Relu(x) for two images.
func modelCommand(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: model FILE")
	}
	g := ir.New("relu")
	g.Output("y", op.Relu{}.Of(g.Input("x", ir.T(ir.Float, 2, 3, 4, 4))))
	m, err := onnx.Model(g, onnx.Options{ProducerVersion: "1"})
	ts.Check(err)
	b, err := onnx.Bytes(m)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b, 0o644))
}

// surrogateCommand is `surrogate FILE`: a model of the form of NAS-Bench-301's surrogate.
func surrogateCommand(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: surrogate FILE")
	}
	b, err := fakes.Surrogate(fakes.Eighths, func(*onnx.GraphProto) {})
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b, 0o644))
}

// flagsCommand is `flags`: the help of every command shows each of its flags with an explanation.
func flagsCommand(ts *testscript.TestScript, _ bool, _ []string) {
	for _, c := range newApp(io.Discard, io.Discard).Commands {
		ts.Check(ts.Exec("zos-ort", c.Name, "--help"))
		help := ts.ReadFile("stdout")
		for _, f := range c.VisibleFlags() {
			doc, ok := f.(cli.DocGenerationFlag)
			if !ok || doc.GetUsage() == "" {
				ts.Fatalf("%s: flag %v has no explanation", c.Name, f.Names())
			}
			firstLine, _, _ := strings.Cut(strings.ReplaceAll(doc.GetUsage(), "`", ""), "\n")
			i := slices.IndexFunc(strings.Split(help, "\n"), func(line string) bool {
				return strings.HasPrefix(line, "   --"+f.Names()[0]+" ") && strings.Contains(line, firstLine)
			})
			if i < 0 {
				ts.Fatalf("%s --help does not explain --%s:\n%s", c.Name, f.Names()[0], help)
			}
		}
	}
}

// jsonCommand is `json KEY...`: standard output is one JSON object, which has these keys.
func jsonCommand(ts *testscript.TestScript, _ bool, args []string) {
	var m map[string]any
	d := json.NewDecoder(strings.NewReader(ts.ReadFile("stdout")))
	ts.Check(d.Decode(&m))
	if _, err := d.Token(); err != io.EOF {
		ts.Fatalf("something follows the JSON value")
	}
	for _, path := range args { // keys of objects inside of each other, with dots between
		var at any = m
		for key := range strings.SplitSeq(path, ".") {
			object, _ := at.(map[string]any)
			var ok bool
			if at, ok = object[key]; !ok {
				ts.Fatalf("no key %q", path)
			}
		}
	}
}
