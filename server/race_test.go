//go:build race

package server_test

// generated is the size of a generated file in bytes: with the race detector the compiler takes minutes over 20 MB on a
// busy machine.
const generated = 2 << 20
