//go:build !linux

package gate

import (
	"io/fs"
	"os"
)

// openReal opens the file and returns the real path of the open file.
func openReal(file string) (f *os.File, info fs.FileInfo, real string, err error) {
	return openChecked(file)
}
