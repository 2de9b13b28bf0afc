package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/seed-b8174343/devserver/internal/running"
)

// findServer finds the server of the project that the user is in: that of the folder, or when none is named that of the
// current one or the nearest above it. A port other than 0 chooses among several.
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
			return nil, fmt.Errorf("%w; it was killed or crashed. Start it again: devserver %s", gone[0], dir)
		case root != "" || dir == filepath.Dir(dir):
			return nil, noServer(folder, root != "", port)
		}
	}
}

// serversOf returns the servers that run for the project of a folder. Those that were killed go to gone.
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
		return alive, nil // one that hangs is no reason not to use another
	}
	return nil, silent
}

func noServer(folder string, named bool, port int) error {
	above := " or a folder above it"
	if named {
		above = ""
	}
	if port != 0 {
		return fmt.Errorf("no server runs for the project in %s%s at port %d", folder, above, port)
	}
	return fmt.Errorf("no server runs for the project in %s%s; start one with: devserver", folder, above)
}

func severalServers(list []running.Server) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%d servers run for this project; choose one:", len(list))
	for _, r := range list {
		fmt.Fprintf(&b, "\n  --port %d  %s (process %d, since %s)", portOf(r.URL), r.URL, r.PID, r.Started.Local().Format(time.TimeOnly))
	}
	return errors.New(b.String())
}

func portOf(address string) int {
	u, err := url.Parse(address)
	if err != nil {
		return 0
	}
	n, _ := strconv.Atoi(u.Port()) // the server wrote it
	return n
}
