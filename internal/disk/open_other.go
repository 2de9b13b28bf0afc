//go:build !unix

package disk

import "os"

func open(file string) (*os.File, error) { return os.Open(file) }
