//go:build race

package ort

func init() { raceDetector = true }
