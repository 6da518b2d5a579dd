// Package cluster checks what clusters take from zos-ort: the Jobs that sweeps write, against the types of the Kubernetes
// API, and the Dockerfile, with the parser of BuildKit. It is a module of its own, because both bring modules that the
// program does not need.
package cluster
