package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/chromedp/chromedp"
)

// sample holds what was measured of a server in a Vue project: the values of each figure, one for each round or edit.
type sample map[string][]float64

// vueFigures are the figures in the order of the table, with the greatest ratio to Vite that is wanted, 0 for none.
var vueFigures = []struct {
	name   string
	target float64
}{
	{"first start, ms", 0.9},
	{"second start, ms", 0.35},
	{"edit of a template, ms", 0.7},
	{"edit of a script, ms", 0.7},
	{"edit of a style, ms", 0.7},
	{"processor time of the first start, ms", 0.85},
	{"processor time of the second start, ms", 0},
	{"memory after the first start, MB", 1},
	{"memory after the second start, MB", 0},
}

// vueEdits are edits of one part of a component, how many of them there are in a round, and what shows each in the page.
var vueEdits = []struct {
	figure, part string
	count        int
	shows        string
}{
	{"edit of a template, ms", "<h3>template %d<", 20, `e.querySelector("h3").textContent === "template %d"`},
	{"edit of a script, ms", `ref("script %d")`, 10, `e.querySelector("p").textContent === "script %d"`},
	{"edit of a style, ms", "--version: %d;", 10, `getComputedStyle(e).getPropertyValue("--version").trim() === "%d"`},
}

// runVue measures devserver and Vite in turn in one project of n components, and prints a table.
func runVue(n, rounds int, dir string) error {
	temp, err := os.MkdirTemp("", "devserver-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	app := cmp.Or(dir, filepath.Join(temp, "app"))
	if err := generateVue(app, n); err != nil {
		return err
	}
	binary, err := build(temp)
	if err != nil {
		return err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.DisableGPU)
	ctx, closeAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	defer closeAllocator()
	browser, closeBrowser := chromedp.NewContext(ctx)
	defer closeBrowser()
	if err := chromedp.Do(browser); err != nil {
		return fmt.Errorf("start Chromium: %w", err)
	}
	cache := filepath.Join(temp, "cache")
	servers := []vueServer{
		{"devserver", []string{binary, "--logLevel", "error", "--host", "127.0.0.1", "--strictPort", "--port"}, cache},
		{"Vite", []string{"node", "node_modules/vite/bin/vite.js", "--logLevel", "error", "--host", "127.0.0.1", "--strictPort", "--port"}, filepath.Join(app, "node_modules/.vite")},
	}
	samples := []sample{{}, {}}
	version := 0
	for round := range rounds {
		for turn := range servers {
			i := (round + turn) % 2
			if err := servers[i].measure(browser, app, cache, n, &version, samples[i]); err != nil {
				return fmt.Errorf("%s: %w", servers[i].name, err)
			}
			fmt.Fprintf(os.Stderr, "round %d, %s:", round+1, servers[i].name)
			for _, f := range vueFigures {
				fmt.Fprintf(os.Stderr, " %.0f", middle(samples[i][f.name]))
			}
			fmt.Fprintln(os.Stderr)
		}
	}
	load, _ := os.ReadFile("/proc/loadavg")
	fmt.Printf("| %d components, %d rounds | devserver | Vite | ratio |\n| --- | --- | --- | --- |\n", n, rounds)
	for _, f := range vueFigures {
		ours, vites := middle(samples[0][f.name]), middle(samples[1][f.name])
		target := ""
		if f.target > 0 {
			target = fmt.Sprintf(" (at most %v)", f.target)
		}
		fmt.Printf("| %s | %.0f | %.0f | %.2f%s |\n", f.name, ours, vites, ours/vites, target)
	}
	fmt.Printf("\nload at the end: %s", load)
	return nil
}

// vueServer is a server to measure: its name, its command without the port, and the folder of its cache.
type vueServer struct {
	name    string
	command []string
	cache   string
}

// measure starts the server with an empty cache, edits, and starts it once more.
func (s vueServer) measure(browser context.Context, app, cacheHome string, n int, version *int, into sample) error {
	if err := os.RemoveAll(s.cache); err != nil {
		return err
	}
	for _, kind := range []string{"first", "second"} {
		if err := s.measureStart(browser, app, cacheHome, kind, n, version, into); err != nil {
			return fmt.Errorf("%s start: %w", kind, err)
		}
	}
	return nil
}

func (s vueServer) measureStart(
	browser context.Context, app, cacheHome, kind string, n int, version *int, into sample,
) (err error) {
	port, err := freePort()
	if err != nil {
		return err
	}
	page, closePage := chromedp.NewContext(browser, chromedp.WithNewBrowserContext()) // with no cache of the page before
	defer closePage()
	if err := chromedp.Do(page); err != nil {
		return err
	}
	page, stop := context.WithTimeout(page, 4*time.Minute)
	defer stop()
	cmd := exec.Command(s.command[0], append(slices.Clone(s.command[1:]), strconv.Itoa(port))...)
	cmd.Dir, cmd.Stderr = app, os.Stderr
	cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+cacheHome)
	began := now()
	if err := cmd.Start(); err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, cmd.Process.Signal(os.Interrupt))
		_ = cmd.Wait() // Vite's exit code tells of the signal
	}()
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	for open := false; !open; {
		for conn := net.Conn(nil); conn == nil && page.Err() == nil; time.Sleep(time.Millisecond) {
			if conn, err = net.Dial("tcp", address); err == nil {
				conn.Close()
			}
		}
		err := chromedp.Do(page, chromedp.Navigate("http://"+address+"/"))
		open = err == nil
		if err != nil && !strings.Contains(err.Error(), "ERR_CONNECTION_REFUSED") { // Vite closes the port once before it listens
			return err
		}
	}
	var rendered float64
	for rendered == 0 { // a page that loads again has no value for a while
		time.Sleep(50 * time.Millisecond)
		if rendered, err = chromedp.Run(page, chromedp.Evaluate[float64]("window.rendered ?? 0")); err != nil {
			return err
		}
	}
	into.add(kind+" start, ms", rendered-began)
	used, memory, err := settled(cmd.Process.Pid)
	if err != nil {
		return err
	}
	into.add("processor time of the "+kind+" start, ms", used)
	into.add("memory after the "+kind+" start, MB", memory)
	state, err := chromedp.Run(page, chromedp.Evaluate[[]float64](`[document.querySelectorAll(".item").length, window.rendered]`))
	if err != nil {
		return err
	}
	if state[0] != float64(n) || state[1] != rendered {
		return fmt.Errorf("the page has %v of %d components, or loaded again", state[0], n)
	}
	if kind == "second" {
		return nil
	}
	for k, edit := range vueEdits {
		for i := range edit.count {
			*version++
			// The components are leaves, each of another part of the tree.
			item := n - 1 - (i*37+k*11)%(n*9/10)
			shows := fmt.Sprintf(edit.shows, *version)
			took, err := editVue(page, filepath.Join(app, component(item)), item, edit.part, *version, shows)
			if err != nil {
				return fmt.Errorf("%s of %s: %w", edit.figure, component(item), err)
			}
			into.add(edit.figure, took)
		}
	}
	return nil
}

// editVue writes a new version of a part of a component, and returns the time from then until the page shows it.
func editVue(page context.Context, file string, item int, part string, version int, shows string) (float64, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	before, rest, ok := strings.Cut(string(text), strings.Split(part, "%d")[0])
	if !ok {
		return 0, fmt.Errorf("it has no %q", part)
	}
	after := strings.TrimLeft(rest, "0123456789")
	_, end, _ := strings.Cut(part, "%d")
	edited := before + fmt.Sprintf(part, version) + strings.TrimPrefix(after, end)
	watch := fmt.Sprintf(`window.edited = new Promise((resolve) => {
		const look = () => {
			const e = document.getElementById("item%d");
			if (e && %s) resolve(performance.timeOrigin + performance.now());
		};
		new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true });
	}); 0`, item, shows)
	if _, err := chromedp.Run(page, chromedp.Evaluate[int](watch)); err != nil {
		return 0, err
	}
	time.Sleep(100 * time.Millisecond) // the server has nothing left to do for the edit before
	began := now()
	if err := os.WriteFile(file, []byte(edited), 0o644); err != nil {
		return 0, err
	}
	ctx, stop := context.WithTimeout(page, 10*time.Second)
	defer stop()
	shown, err := chromedp.Run(ctx, chromedp.Evaluate[float64]("window.edited", chromedp.EvalAwaitPromise))
	return shown - began, err
}

// settled waits until a server has nothing to do. It returns the milliseconds of processor time and the megabytes of
// memory of the process and all that it started.
func settled(pid int) (used, memory float64, err error) {
	for idle := 0; idle < 10; {
		time.Sleep(500 * time.Millisecond)
		before := used
		if used, memory, err = processes(pid); err != nil {
			return 0, 0, err
		}
		if idle++; used-before > 20 {
			idle = 0
		}
	}
	return used, memory, nil
}

// processes returns the milliseconds of processor time and the megabytes of memory of a process and all that it started.
func processes(pid int) (used, memory float64, err error) {
	out, err := exec.Command("ps", "-e", "-o", "pid=,ppid=,rss=").Output()
	if err != nil {
		return 0, 0, fmt.Errorf("read processes: %w", err)
	}
	ours := map[int]bool{pid: true}
	for line := range strings.Lines(string(out)) {
		var id, parent int
		var rss float64
		if _, err := fmt.Sscan(line, &id, &parent, &rss); err != nil || !ours[id] && !ours[parent] {
			continue // a process comes after the one that started it
		}
		ours[id] = true
		memory += rss / 1024
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", id))
		if err != nil {
			continue // it has ended
		}
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		for _, ticks := range fields[11:15] { // user and system, of the process and of those that it has waited for
			t, err := strconv.ParseFloat(ticks, 64)
			if err != nil {
				return 0, 0, err
			}
			used += t * 10
		}
	}
	return used, memory, nil
}

func (s sample) add(figure string, value float64) { s[figure] = append(s[figure], value) }

// now returns the milliseconds of the system's clock, as pages have them.
func now() float64 { return float64(time.Now().UnixMicro()) / 1000 }

func middle(list []float64) float64 {
	if len(list) == 0 {
		return math.NaN()
	}
	slices.Sort(list)
	return list[len(list)/2]
}

// freePort returns a port that nobody uses. It is none that the system gives to clients: to dial such a port before the
// server listens may connect the dialer with itself.
func freePort() (int, error) {
	for {
		port := 15_000 + rand.IntN(10_000)
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if err != nil {
			return 0, err
		}
		return port, l.Close()
	}
}
