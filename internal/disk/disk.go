// Package disk reads the files of a project. It reads regular files and nothing else: a project may hold a link to an
// endless device, or a pipe without a writer, in the place of any file, and reading it would hang or fill the memory. A
// State shows whether a file is still the file that was read.
//
// What may be read is decided elsewhere, by package gate.
package disk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// MaxSize bounds in bytes what is read into memory.
const MaxSize = 64 << 20

// ErrNotRegular is returned for folders, pipes, devices and links to them.
var ErrNotRegular = errors.New("not a regular file")

// Open opens the file, whatever links lead to it. What is no regular file is an error.
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
	rest, err := io.ReadAll(io.LimitReader(f, MaxSize)) // it may have grown since
	return append(buf, rest...), err
}
