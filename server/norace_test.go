//go:build !race

package server_test

// generated is the size of a generated file in bytes.
const generated = 20 << 20
