// Command bench measures how the cost of devserver grows with the size of a project, and writes docs/growth.md with a
// table and docs/growth.svg with a plot.
//
//	cd bench && go run . [-sizes 100,1000,5000,10000] [-rounds 5] [-out ../docs]
//
// It measures the server alone, from outside: a process is started on a generated project and asked what a browser asks.
// Each figure is the median of the rounds. What the browser adds is the same for every server and grows with the page.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Figures are the costs at one size.
type Figures struct {
	Modules int
	// Edit is from the write of a leaf module to its code on the socket.
	Edit time.Duration
	// Reload is the page, the client and the unchanged script.
	Reload time.Duration
	// Cold and Warm are from the start of the process to the last byte of the script, without and with the results of the
	// run before.
	Cold, Warm time.Duration
	// Memory is the resident memory after the load, in bytes.
	Memory int64
}

func main() {
	sizes := flag.String("sizes", "100,1000,5000,10000", "numbers of modules, comma-separated")
	rounds := flag.Int("rounds", 5, "measurements of each figure, of which the median counts")
	out := flag.String("out", "../docs", "the folder to write growth.md and growth.svg to")
	flag.Parse()
	if err := run(*sizes, *rounds, *out); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(sizes string, rounds int, out string) error {
	dir, err := os.MkdirTemp("", "devserver-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	binary, err := build(dir)
	if err != nil {
		return err
	}
	var all []Figures
	for text := range strings.SplitSeq(sizes, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n < 1 {
			return fmt.Errorf("-sizes: %q is no number of modules", text)
		}
		app := filepath.Join(dir, "app"+text)
		if err := generate(app, n); err != nil {
			return err
		}
		f, err := measure(binary, app, filepath.Join(dir, "cache"+text), n, rounds)
		if err != nil {
			return fmt.Errorf("%d modules: %w", n, err)
		}
		fmt.Printf("%6d modules: edit %v, reload %v, warm %v, cold %v, %d MB\n", n, f.Edit, f.Reload, f.Warm, f.Cold, f.Memory>>20)
		all = append(all, f)
	}
	if err := writeTable(filepath.Join(out, "growth.md"), all, rounds); err != nil {
		return err
	}
	return writePlot(filepath.Join(out, "growth.svg"), all)
}
