package gate

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/seed-b8174343/devserver/internal/disk"
)

// openChecked is openReal for systems that do not tell the path of an open file. It opens the path without links. After
// that, the path must still lead to the same file, without a link.
func openChecked(file string) (*os.File, fs.FileInfo, string, error) {
	for range 3 { // editors replace files
		real, err := filepath.EvalSymlinks(file)
		if err != nil {
			return nil, nil, "", err
		}
		f, opened, err := disk.Open(real)
		if err != nil {
			return nil, nil, "", err
		}
		if now, lstatErr := os.Lstat(real); lstatErr == nil && os.SameFile(opened, now) {
			return f, opened, real, nil
		}
		_ = f.Close()
	}
	return nil, nil, "", fmt.Errorf("open %s: the file was replaced during each of three attempts", file)
}

// Real returns the real path of a file that a request names, such as a file for the editor. It returns an error when
// the file may not be read.
func (g *Gate) Real(file string) (string, error) {
	if err := g.Allowed(file); err != nil {
		return "", err
	}
	if !g.spelled(file) {
		return "", missing
	}
	real, err := filepath.EvalSymlinks(file)
	if err != nil {
		return "", g.nothing(file)
	}
	return real, g.Allowed(real)
}

// Open opens a file if it may be read, whatever led to its path. It applies the rules to the open file: nobody can
// replace the file between check and use, and a link counts as its target. It opens only regular files.
func (g *Gate) Open(file string) (*os.File, fs.FileInfo, error) {
	f, info, real, err := openReal(file)
	if err != nil {
		return nil, nil, err
	}
	if err := g.Allowed(real); err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return f, info, nil
}

// ReadFile opens the file as Open does and reads all of it, up to disk.MaxSize.
func (g *Gate) ReadFile(file string) ([]byte, error) {
	f, info, err := g.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return disk.Read(f, info)
}
