// Command bench measures how the cost of devserver grows with the size of a project. It writes a table to
// docs/growth.md and a plot to docs/growth.svg.
//
//	cd bench && go run . [-sizes 100,1000,5000,10000] [-rounds 5] [-out ../docs]
//	cd bench && go run . -vue 1000 [-rounds 5] [-dir folder]
//
// The first form measures only the server, from outside: it starts a process on a generated project and sends a
// browser's requests. Each figure is the median of the rounds. The cost in the browser is the same for every server and
// grows with the page.
//
// The second form starts devserver and Vite in turn in a project of Vue components that it generates, and prints what
// both cost in the browser and in all their processes. It needs Linux, Node.js, npm and Chromium.
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
	// Edit is the time from the write of a leaf module to its code on the socket.
	Edit time.Duration
	// Reload is the time for the page, the client and the unchanged script.
	Reload time.Duration
	// Cold is the time from the start of the process to the last byte of the script, with an empty cache.
	Cold time.Duration
	// Warm is the same with the cache of an earlier run.
	Warm time.Duration
	// Memory is the resident memory after the load, in bytes.
	Memory int64
}

func main() {
	sizes := flag.String("sizes", "100,1000,5000,10000", "numbers of modules, comma-separated")
	rounds := flag.Int("rounds", 5, "measurements of each figure, of which the median counts")
	vue := flag.Int("vue", 0, "compare with Vite in a project of so many Vue components instead")
	dir := flag.String("dir", "", "the folder of that project, which stays; a temporary one by default")
	out := flag.String("out", "../docs", "the folder to write growth.md and growth.svg to")
	flag.Parse()
	err := func() error {
		if *vue > 0 {
			return runVue(*vue, *rounds, *dir)
		}
		return run(*sizes, *rounds, *out)
	}()
	if err != nil {
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
			return fmt.Errorf("-sizes: %q is not a number of modules", text)
		}
		app := filepath.Join(dir, "app"+text)
		if err := generate(app, n); err != nil {
			return err
		}
		f, err := measure(binary, app, filepath.Join(dir, "cache"+text), n, rounds)
		if err != nil {
			return fmt.Errorf("%d modules: %w", n, err)
		}
		fmt.Printf("%6d modules: edit %v, reload %v, warm %v, cold %v, %d MB\n",
			n, f.Edit, f.Reload, f.Warm, f.Cold, f.Memory>>20)
		all = append(all, f)
	}
	if err := writeTable(filepath.Join(out, "growth.md"), all, rounds); err != nil {
		return err
	}
	return writePlot(filepath.Join(out, "growth.svg"), all)
}
