package gate

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/seed-b8174343/devserver/internal/disk"
)

// openChecked is openReal where the system does not tell the path of an open file: the path without links is opened, and
// must still be the same file without a link afterwards.
func openChecked(file string) (*os.File, fs.FileInfo, string, error) {
	for range 3 { // editors put new files in the place of old ones
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
	return nil, nil, "", fmt.Errorf("open %s: another file is put in its place again and again", file)
}

// Real returns the real path of a file that somebody names (a module ID in a query, a file for the editor) when it may
// be read.
func (g *Gate) Real(file string) (string, error) {
	if err := g.Allowed(file); err != nil {
		return "", err
	}
	real, err := filepath.EvalSymlinks(file)
	if err != nil {
		return "", missing
	}
	return real, g.Allowed(real)
}

// Open opens a file that may be read, whoever asks and however they came by its path. The rules are applied to what is
// open, so that nothing can be put in its place in between, and a link that an import or an ID leads to is seen for what
// is behind it. Only regular files are opened.
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

// ReadFile reads the whole file as Open does, up to disk.MaxSize.
func (g *Gate) ReadFile(file string) ([]byte, error) {
	f, info, err := g.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return disk.Read(f, info)
}
