package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/seed-b8174343/devserver/internal/running"
)

// findServer finds the running server of the user's project. That is the project in root, or for an empty root the one
// in the current folder or the nearest above. A port other than 0 chooses among several servers.
func findServer(ctx context.Context, root string, port int) (*running.Server, error) {
	folder := root
	if folder == "" {
		folder = "."
	}
	if !isFolder(folder) {
		return nil, notAFolder(folder)
	}
	folder, err := filepath.Abs(folder)
	if err != nil {
		return nil, err
	}
	var gone []error
	for dir := folder; ; dir = filepath.Dir(dir) {
		found, err := serversOf(ctx, dir, port, &gone)
		switch {
		case err != nil:
			return nil, err
		case len(found) == 1:
			return &found[0], nil
		case len(found) > 1:
			return nil, severalServers(found)
		case len(gone) > 0:
			return nil, fmt.Errorf("%w; it was killed or crashed. Start it again with: devserver %s", gone[0], dir)
		case root != "" || dir == filepath.Dir(dir):
			return nil, noServer(folder, root != "", port)
		}
	}
}

// serversOf returns the running servers of a folder's project. An error for each killed server goes to gone.
func serversOf(ctx context.Context, dir string, port int, gone *[]error) ([]running.Server, error) {
	list, err := running.Find(dir, "")
	if err != nil {
		return nil, err
	}
	var alive []running.Server
	var silent error
	for _, r := range list {
		if port != 0 && portOf(r.URL) != port {
			continue
		}
		switch err := r.Alive(ctx); {
		case err == nil:
			alive = append(alive, r)
		case errors.Is(err, running.ErrGone):
			*gone = append(*gone, fmt.Errorf("process %d, started at %s: %w", r.PID, r.Started.Local().Format(time.DateTime), err))
		default:
			silent = fmt.Errorf("ask the server at %s (process %d): %w", r.URL, r.PID, err)
		}
	}
	if len(alive) > 0 {
		return alive, nil // a server that hangs does not keep the user from the others
	}
	return nil, silent
}

func noServer(folder string, named bool, port int) error {
	above := " or a folder above it"
	if named {
		above = ""
	}
	if port != 0 {
		return fmt.Errorf("no server runs for the project in %s%s on port %d", folder, above, port)
	}
	if below := serversBelow(folder); len(below) > 0 {
		return fmt.Errorf("no server runs for the project in %s%s; servers run below it: name one by --root %s",
			folder, above, strings.Join(below, " or --root "))
	}
	return fmt.Errorf("no server runs for the project in %s%s; start one with: devserver", folder, above)
}

// serversBelow lists the packages below a folder for which servers run, as in a monorepo. It looks at few folders.
func serversBelow(folder string) (found []string) {
	const deepest, most = 3, 2000
	looked := 0
	_ = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() { // without the folder there is no d
			return nil // what cannot be read is no package of the user
		}
		if name := d.Name(); path != folder && (name == "node_modules" || strings.HasPrefix(name, ".")) {
			return filepath.SkipDir
		}
		if looked++; looked > most {
			return filepath.SkipAll
		}
		rel, _ := filepath.Rel(folder, path) // path is below
		if list, err := running.Find(path, ""); err == nil && len(list) > 0 && rel != "." {
			found = append(found, path)
		}
		if strings.Count(rel, string(filepath.Separator)) >= deepest-1 {
			return filepath.SkipDir
		}
		return nil
	})
	return found
}

// severalError lists the running servers of a project.
type severalError string

func (e severalError) Error() string { return string(e) }

func severalServers(list []running.Server) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%d servers run for this project; choose one:", len(list))
	for _, r := range list {
		fmt.Fprintf(&b, "\n  --port %d  %s (process %d, since %s)", portOf(r.URL), r.URL, r.PID, r.Started.Local().Format(time.TimeOnly))
	}
	return severalError(b.String())
}

func portOf(address string) int {
	u, err := url.Parse(address)
	if err != nil {
		return 0
	}
	n, _ := strconv.Atoi(u.Port()) // the server wrote it
	return n
}
