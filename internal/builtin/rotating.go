package builtin

import (
	"os"
	"path/filepath"
	"strconv"
)

// rotating is a file of whole lines that is rotated at a size. The first line opens it. Only one goroutine may use it.
type rotating struct {
	name    string
	maxSize int64
	keep    int

	file *os.File
	size int64
	torn bool // the last write ended within a line, on a full disk
}

// write appends a line. An error loses this line; the next write tries again.
func (r *rotating) write(line []byte) error {
	if r.file == nil {
		if err := r.open(); err != nil {
			return err
		}
	}
	if r.size > 0 && r.size+int64(len(line)) > r.maxSize {
		if err := r.rotate(); err != nil {
			return err
		}
	}
	if r.torn {
		line = append([]byte{'\n'}, line...)
	}
	n, err := r.file.Write(line)
	r.size += int64(n)
	if n > 0 {
		r.torn = n < len(line)
	}
	return err
}

func (r *rotating) open() error {
	if err := os.MkdirAll(filepath.Dir(r.name), 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(r.name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err == nil && info.Mode().IsRegular() {
		err = file.Chmod(0o600) // an older file may be readable by others, and payloads may be private
	}
	if err != nil {
		_ = file.Close()
		return err
	}
	r.file, r.size = file, info.Size()
	return nil
}

// rotate renames name to name.1, name.1 to name.2 and so on. It removes the files beyond keep.
func (r *rotating) rotate() error {
	if err := r.close(); err != nil {
		return err
	}
	old := func(n int) string { return r.name + "." + strconv.Itoa(n) }
	if r.keep == 0 {
		if err := os.Remove(r.name); err != nil {
			return err
		}
		return r.open()
	}
	for n := r.keep - 1; n > 0; n-- {
		if err := os.Rename(old(n), old(n+1)); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	if err := os.Rename(r.name, old(1)); err != nil {
		return err
	}
	return r.open()
}

func (r *rotating) close() error {
	if r.file == nil {
		return nil
	}
	file := r.file
	r.file, r.torn = nil, false
	return file.Close()
}
