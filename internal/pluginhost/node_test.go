package pluginhost_test

import (
	"context"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-b8174343/devserver/internal/pluginhost"
)

// misbehave is a PostCSS plugin that does what the stylesheet says. The file `once` exists after the first time.
const misbehave = `
const fs = require("fs");
const first = () => { if (fs.existsSync(__dirname + "/once")) return false; fs.writeFileSync(__dirname + "/once", ""); return true; };
module.exports = { plugins: [{ run(code) {
	if (code === "crash once" && first()) process.exit(3);
	if (code === "crash") { console.error("last \x1b[31mwords"); process.exit(3); }
	if (code === "abort") process.abort();
	if (code === "hang") for (;;);
	if (code === "garbage") { fs.writeSync(1, "npm warn something\n".repeat(100)); }
	if (code === "length") { fs.writeSync(1, Buffer.from([0x7f, 0xff, 0xff, 0xff])); }
	if (code === "prints") { console.log("x".repeat(5e6)); process.stdout.write("y".repeat(1e6) + "\x1b[2J\n"); }
	if (code === "huge") return "z".repeat(5e6);
	if (code === "throw") throw new Error("on purpose");
	if (code === "throw text") throw "only a text";
	if (code === "throw nothing") throw undefined;
	if (code === "later") { setTimeout(() => { throw new Error("later"); }); Promise.reject(new Error("nobody listens")); }
	if (code === "never") return new Promise(() => {});
	return code + "!";
} }] };
`

// TestToolsThatMisbehave checks that the caller of a tool gets an answer or an error with the reason, whatever the tool
// does. The next call must be answered.
func TestToolsThatMisbehave(t *testing.T) {
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("no node")
	}
	b := newBackend(t)
	for name, text := range map[string]string{
		"postcss.config.cjs": misbehave, "package.json": "{}",
		"node_modules/postcss/package.json": `{"name":"postcss","version":"8.0.0"}`,
		"node_modules/postcss/index.js":     `module.exports = (plugins) => ({ process: async (code) => ({ css: await plugins[0].run(code), messages: [], warnings: () => [] }) });`,
	} {
		file := filepath.Join(b.root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	o := pluginhost.NodeOptions{Root: b.root, CacheDir: t.TempDir(), Logger: slog.New(slog.DiscardHandler), Alive: 100 * time.Millisecond}
	patient := pluginhost.NewNode(o)
	defer patient.Close()
	o.Working = 2 * time.Second
	hasty := pluginhost.NewNode(o) // for tools that never answer
	defer hasty.Close()
	run := func(n *pluginhost.Node, code string) (string, error) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var r struct{ Code string }
		err := n.Call(ctx, "postcss", map[string]any{"file": filepath.Join(b.root, "a.css"), "code": code, "options": map[string]any{"configFile": filepath.Join(b.root, "postcss.config.cjs")}}, &r)
		return r.Code, err
	}
	for _, c := range []struct{ code, want, err string }{
		{"crash once", "crash once!", ""}, // the call is made again in a new process
		{"crash", "", "words"},
		{"abort", "", "the Node process ended"},
		{"garbage", "", "the Node process ended"},
		{"length", "", "the Node process ended"},
		{"prints", "prints!", ""},
		{strings.Repeat("k", 3e6), strings.Repeat("k", 3e6) + "!", ""}, // arrives in parts
		{"huge", strings.Repeat("z", 5e6), ""},
		{"throw", "", "on purpose"},
		{"throw nothing", "", "threw undefined"},
		{"throw text", "", "only a text"},
		{"later", "later!", ""},
		{"never", "", "did not answer"},
		{"hang", "", "did not answer"},
	} {
		n := patient
		if c.err == "did not answer" {
			n = hasty
		}
		got, err := run(n, c.code)
		if got != c.want || (err == nil) != (c.err == "" && c.want != "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%.100s: got %.100q, %v", c.code, got, err)
		}
		if err != nil && strings.ContainsAny(err.Error(), "\x1b\x07") {
			t.Errorf("%s: the error holds control characters: %q", c.code, err)
		}
		if got, err := run(n, "fine"); got != "fine!" {
			t.Errorf("after %q: %q, %v", c.code, got, err)
		}
	}
	// A hanging tool does not hold up Close.
	hung := make(chan error, 1)
	go func() { _, err := run(patient, "hang"); hung <- err }()
	if err := patient.Close(); err != nil {
		t.Error(err)
	}
	if err := <-hung; err == nil {
		t.Error("a hanging tool answered")
	}
}
