package gate

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/seed-b8174343/devserver/internal/regular"
)

// openChecked is openReal where the system does not tell the path of an open file: the path without links is opened, and
// must still be the same file without a link afterwards.
func openChecked(file string) (*os.File, fs.FileInfo, string, error) {
	for range 3 { // editors put new files in the place of old ones
		real, err := filepath.EvalSymlinks(file)
		if err != nil {
			return nil, nil, "", err
		}
		f, opened, err := regular.Open(real)
		if err != nil {
			return nil, nil, "", err
		}
		if now, lstatErr := os.Lstat(real); lstatErr == nil && os.SameFile(opened, now) {
			return f, opened, real, nil
		}
		_ = f.Close()
	}
	return nil, nil, "", fmt.Errorf("open %s: another file is put in its place again and again", file)
}
