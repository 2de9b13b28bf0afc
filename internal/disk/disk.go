// Package disk reads the files of a project. It reads only regular files. Any file of a project may be a link to an
// endless device or a pipe without a writer, and a read would never end. A State shows whether a file is still the file
// that was read.
//
// Package gate decides what may be read.
package disk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// MaxSize is the size in bytes of the largest file that is read into memory.
const MaxSize = 64 << 20

// ErrNotRegular is returned for folders, pipes, devices and links to them.
var ErrNotRegular = errors.New("not a regular file")

// Open opens a regular file, and follows links to it. Anything else is an error.
func Open(file string) (*os.File, fs.FileInfo, error) {
	f, err := open(file)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("open %s: %w", file, ErrNotRegular)
	}
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return f, info, nil
}

// ReadFile is os.ReadFile for regular files of at most MaxSize.
func ReadFile(file string) ([]byte, error) {
	f, info, err := Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return Read(f, info)
}

// Read reads the whole of a file that was just opened.
func Read(f *os.File, info fs.FileInfo) ([]byte, error) {
	if info.Size() > MaxSize {
		return nil, fmt.Errorf("%s is larger than %d MB", filepath.Base(f.Name()), MaxSize>>20)
	}
	buf := make([]byte, info.Size(), info.Size()+512)
	n, err := io.ReadFull(f, buf)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, err
	}
	buf = buf[:n]
	more, err := f.Read(buf[n:cap(buf)])
	buf = buf[:n+more]
	if more == 0 && err == io.EOF {
		return buf, nil
	}
	rest, err := io.ReadAll(io.LimitReader(f, MaxSize)) // the file may have grown since Stat
	return append(buf, rest...), err
}
