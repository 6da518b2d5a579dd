package onnx

//go:generate sh -c "go build -o ../../bin/protoc-gen-go google.golang.org/protobuf/cmd/protoc-gen-go && protoc --plugin=../../bin/protoc-gen-go --go_out=. --go_opt=paths=source_relative onnx.proto"
