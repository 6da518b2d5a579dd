// Command zos-ort searches, trains and ships small neural networks; see README.md.
package main

func main() {}
