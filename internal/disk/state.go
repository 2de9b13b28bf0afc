package disk

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// State shows, without reading, whether a file is still the file that was read. Two States of one file are equal when
// the file is unchanged. The zero value is the state of no file.
type State struct {
	Size    int64
	ModTime time.Time
	// changed is the inode's change time. It changes even when an edit restores the old ModTime.
	changed time.Time
	// inode differs when another file has replaced this one.
	inode uint64
}

// Stat returns the state of the file, or nil when there is no file.
func Stat(file string) *State {
	info, err := os.Stat(file)
	if err != nil {
		return nil
	}
	s := StateOf(info)
	return &s
}

// StateOf returns the state of the file that info describes.
func StateOf(info os.FileInfo) State {
	s := State{Size: info.Size(), ModTime: info.ModTime()}
	s.changed, s.inode = changeTime(info)
	return s
}

// ID returns the number of the file or folder on its disk. It stays when the file is renamed or written, and differs when
// another file has taken the place. It is 0 where the system has no such numbers.
func (s State) ID() uint64 { return s.inode }

// Tag returns a short name of the state, for an ETag.
func (s State) Tag() string {
	return fmt.Sprintf("%x-%x-%x-%x", s.Size, s.ModTime.UnixNano(), s.changed.UnixNano(), s.inode)
}

// Fingerprint returns a text of the files' names, sizes and times. It changes when a file is written, created or
// removed.
func Fingerprint(names []string) string {
	var b strings.Builder
	for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
		if info, err := os.Stat(name); err == nil {
			fmt.Fprintln(&b, name, info.Size(), info.ModTime().UnixNano())
		} else {
			fmt.Fprintln(&b, name, "gone")
		}
	}
	return b.String()
}
