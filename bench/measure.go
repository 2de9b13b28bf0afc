package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// build builds the program from the checkout above this folder, in the form for users.
func build(dir string) (binary string, err error) {
	binary = filepath.Join(dir, "devserver")
	cmd := exec.Command("go", "build", "-o", binary, "./cmd/devserver")
	cmd.Dir = ".."
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("build devserver: %w", err)
	}
	return binary, nil
}

// process is a running server.
type process struct {
	cmd     *exec.Cmd
	url     string
	started time.Time
}

// start runs the server and waits until it answers.
func start(binary, app, cache string) (*process, error) {
	ready := filepath.Join(filepath.Dir(cache), "ready.json")
	_ = os.Remove(ready) // the file of the run before
	cmd := exec.Command(binary, "--port", "0", "--ready", ready, "--logLevel", "error", app)
	cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+cache)
	cmd.Stderr = os.Stderr
	p := &process{cmd: cmd, started: time.Now()}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	address := regexp.MustCompile(`http://[^"/]+/`)
	for range 10_000 {
		if text, err := os.ReadFile(ready); err == nil {
			if p.url = address.FindString(string(text)); p.url != "" {
				return p, nil
			}
		}
		time.Sleep(time.Millisecond)
	}
	return nil, errors.Join(errors.New("the server did not get ready"), p.stop())
}

func (p *process) stop() error {
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	return p.cmd.Wait()
}

// get requests a script of the page as a browser does, and returns the body and its tag.
func (p *process) get(path, tag string) (body []byte, newTag string, err error) {
	req, err := http.NewRequest(http.MethodGet, p.url+path, nil)
	if err != nil {
		return nil, "", err
	}
	if strings.HasSuffix(path, ".ts") {
		req.Header.Set("Sec-Fetch-Dest", "script")
	}
	if tag != "" {
		req.Header.Set("If-None-Match", tag)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer res.Body.Close()
	body, err = io.ReadAll(res.Body)
	if err == nil && res.StatusCode >= http.StatusBadRequest {
		err = fmt.Errorf("GET /%s: %s", path, res.Status)
	}
	return body, res.Header.Get("ETag"), err
}

// page requests the parts of a page, with the tags of the browser's cache.
func (p *process) page(tags map[string]string) error {
	for _, path := range []string{"", "@vite/client", "src/d0/m0.ts"} {
		_, tag, err := p.get(path, tags[path])
		if err != nil {
			return err
		}
		tags[path] = tag
	}
	return nil
}

// memory returns the resident size in bytes.
func (p *process) memory() (int64, error) {
	out, err := exec.Command("ps", "-o", "rss=", "-p", strconv.Itoa(p.cmd.Process.Pid)).Output()
	if err != nil {
		return 0, fmt.Errorf("read memory: %w", err)
	}
	kb, err := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
	return kb << 10, err
}

// measure measures all figures of one project.
func measure(binary, app, cache string, modules, rounds int) (Figures, error) {
	f := Figures{Modules: modules}
	var cold, warm, reload, edit []time.Duration
	for range rounds {
		for _, kind := range []*[]time.Duration{&cold, &warm} {
			if kind == &cold {
				if err := os.RemoveAll(cache); err != nil {
					return f, err
				}
			}
			p, err := start(binary, app, cache)
			if err != nil {
				return f, err
			}
			tags := map[string]string{}
			if err := p.page(tags); err != nil {
				return f, errors.Join(err, p.stop())
			}
			*kind = append(*kind, time.Since(p.started))
			if kind == &warm {
				if err := p.later(app, modules, tags, &f, &reload, &edit); err != nil {
					return f, errors.Join(err, p.stop())
				}
			}
			if err := p.stop(); err != nil {
				return f, err
			}
		}
	}
	f.Cold, f.Warm, f.Reload, f.Edit = median(cold), median(warm), median(reload), median(edit)
	return f, nil
}

// later measures a reload, edits and the memory in a loaded project.
func (p *process) later(app string, modules int, tags map[string]string, f *Figures, reload, edit *[]time.Duration) error {
	began := time.Now()
	if err := p.page(tags); err != nil {
		return err
	}
	*reload = append(*reload, time.Since(began))
	took, err := p.edit(filepath.Join(app, name(modules-1)))
	if err != nil {
		return err
	}
	*edit = append(*edit, took...)
	time.Sleep(3 * time.Second) // the runtime returns unused memory to the system meanwhile
	rss, err := p.memory()
	f.Memory = max(f.Memory, rss)
	return err
}

var tokenPattern = regexp.MustCompile(`"token":"([^"]+)"`)

// edit changes the file ten times, and measures each time until the code is on the socket. It restores the file.
func (p *process) edit(file string) ([]time.Duration, error) {
	client, _, err := p.get("@vite/client", "")
	if err != nil {
		return nil, err
	}
	token := tokenPattern.FindSubmatch(client)
	if token == nil {
		return nil, errors.New("the client holds no token")
	}
	address := "ws" + strings.TrimPrefix(p.url, "http") + "?token=" + string(token[1])
	header := http.Header{"Sec-WebSocket-Protocol": {"vite-hmr"}, "Origin": {strings.TrimSuffix(p.url, "/")}}
	ws, _, err := websocket.DefaultDialer.Dial(address, header)
	if err != nil {
		return nil, err
	}
	defer ws.Close()
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var took []time.Duration
	for i := range 10 {
		mark := fmt.Sprintf("edit%d", i)
		began := time.Now()
		if err := os.WriteFile(file, append(slices.Clip(text), "export const "+mark+" = 1;\n"...), 0o644); err != nil {
			return nil, err
		}
		for frame := []byte(nil); !strings.Contains(string(frame), mark); {
			if _, frame, err = ws.ReadMessage(); err != nil {
				return nil, err
			}
		}
		took = append(took, time.Since(began))
	}
	return took, os.WriteFile(file, text, 0o644)
}

func median(list []time.Duration) time.Duration {
	slices.Sort(list)
	return list[len(list)/2]
}
