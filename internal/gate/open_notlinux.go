//go:build !linux

package gate

import (
	"io/fs"
	"os"
)

// openReal opens the file and tells the real path of what is open.
func openReal(file string) (f *os.File, info fs.FileInfo, real string, err error) {
	return openChecked(file)
}
