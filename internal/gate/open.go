package gate

import (
	"fmt"
	"os"
	"path/filepath"
)

// openChecked is openReal where the system does not tell the path of an open file: the path without links is opened, and
// must still be the same file without a link afterwards.
func openChecked(file string) (*os.File, string, error) {
	for range 3 { // editors put new files in the place of old ones
		real, err := filepath.EvalSymlinks(file)
		if err != nil {
			return nil, "", err
		}
		f, err := openNonblocking(real)
		if err != nil {
			return nil, "", err
		}
		opened, err := f.Stat()
		if now, lstatErr := os.Lstat(real); err == nil && lstatErr == nil && os.SameFile(opened, now) {
			return f, real, nil
		}
		_ = f.Close()
	}
	return nil, "", fmt.Errorf("open %s: another file is put in its place again and again", file)
}
