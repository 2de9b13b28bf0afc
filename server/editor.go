package server

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// serveEditor opens a file in the developer's editor: POST with the token, for files that the gate lets through only.
// The editor is started without a shell and the file's name is an argument of its own (names that end a shell
// command, or start with a dash, were the hole in other servers).
func (p *project) serveEditor(w http.ResponseWriter, r *http.Request) {
	if err := p.guard.CheckAction(r); err != nil {
		http.Error(w, "403 forbidden", http.StatusForbidden)
		return
	}
	switch err := p.openPlace(r.URL.Query().Get("file")); {
	case errors.Is(err, errNoFile):
		http.Error(w, "404 not found", http.StatusNotFound)
	case err != nil:
		p.server.log.Warn("the editor did not open", "error", err)
		http.Error(w, "500 no editor: set $EDITOR", http.StatusInternalServerError)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

// errNoFile is the error for a place in a file that does not exist, or that the gate does not let through.
var errNoFile = errors.New("there is no such file, or it may not be read")

// openPlace opens "file:line:column" in the developer's editor.
func (p *project) openPlace(place string) error {
	file, line, column := splitPosition(place)
	if !filepath.IsAbs(file) {
		file = filepath.Join(p.layout.Dir, filepath.FromSlash(file))
	}
	real, err := p.gate.Real(file)
	if info, statErr := os.Stat(real); err != nil || statErr != nil || !info.Mode().IsRegular() {
		return errNoFile
	}
	return openEditor(real, line, column)
}

// splitPosition takes `file:line:column` apart; line and column are 0 when they are not there.
func splitPosition(s string) (file string, line, column int) {
	file = s
	for _, into := range []*int{&column, &line} {
		at := strings.LastIndexByte(file, ':')
		if at < 0 {
			break
		}
		n, err := strconv.Atoi(file[at+1:])
		if err != nil || n < 0 {
			break
		}
		file, *into = file[:at], n
	}
	if line == 0 {
		line, column = column, 0
	}
	return file, line, column
}

// editorArgs returns the arguments by which an editor takes a position.
func editorArgs(editor, file string, line, column int) []string {
	line, column = max(line, 1), max(column, 1)
	at := fmt.Sprintf("%s:%d:%d", file, line, column)
	switch name := strings.TrimSuffix(filepath.Base(editor), ".exe"); name {
	case "code", "code-insiders", "codium", "cursor", "windsurf", "zed", "subl":
		if name == "zed" || name == "subl" {
			return []string{at}
		}
		return []string{"--goto", at}
	case "idea", "webstorm", "goland", "phpstorm", "pycharm":
		return []string{"--line", strconv.Itoa(line), file}
	case "vim", "nvim", "gvim", "mvim", "nano", "emacs", "emacsclient":
		return []string{"+" + strconv.Itoa(line), file}
	default:
		return []string{file}
	}
}

func openEditor(file string, line, column int) error {
	for _, env := range []string{"DEVSERVER_EDITOR", "LAUNCH_EDITOR", "VISUAL", "EDITOR"} {
		if fields := strings.Fields(os.Getenv(env)); len(fields) > 0 {
			return start(exec.Command(fields[0], append(fields[1:], editorArgs(fields[0], file, line, column)...)...))
		}
	}
	for _, name := range []string{"code", "cursor", "zed", "webstorm", "goland", "subl"} {
		if found, err := exec.LookPath(name); err == nil {
			return start(exec.Command(found, editorArgs(name, file, line, column)...))
		}
	}
	if runtime.GOOS == "darwin" {
		return start(exec.Command("open", "-t", "--", file))
	}
	return fmt.Errorf("no editor found: set EDITOR, for example EDITOR=code")
}

// start runs the editor without waiting for it, and reaps it when it ends.
func start(cmd *exec.Cmd) error {
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %q: %w", cmd.Path, err)
	}
	go func() { _ = cmd.Wait() }() // ends with the editor; its exit code is the user's business
	return nil
}
