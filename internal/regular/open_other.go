//go:build !unix

package regular

import "os"

func open(file string) (*os.File, error) { return os.Open(file) }
