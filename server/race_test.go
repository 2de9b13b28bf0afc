//go:build race

package server_test

// generated is the size of a generated file in bytes. It is smaller than without the race detector, with which the
// compiler needs minutes for 20 MB on a busy machine.
const generated = 2 << 20
