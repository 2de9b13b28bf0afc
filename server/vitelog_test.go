package server_test

import (
	"strings"
	"testing"
)

// TestCustomLogger: what Vite and plugins log goes to the customLogger of the vite.config, and else to the terminal.
func TestCustomLogger(t *testing.T) {
	t.Parallel()
	const plugin = `{
  name: "logs",
  config() { this?.warn("of the config hook"); },
  configureServer({ config, middlewares }) {
    config.logger.info("an info");
    middlewares.use("/log", (req, res) => { config.logger.warn("a warning"); res.end(); });
  },
  transformIndexHtml() { this.warn("of a page"); },
}`
	const class = `const mine = (level) => (text) => console.log("mine: " + level + " " + text);
class Logger { hasWarned = false; info = mine("info"); warnOnce = mine("once"); error = mine("error"); warn(text) { mine("warn")(text); } clearScreen() {} hasErrorLogged() { return false; } }
`
	own := []string{"mine: info an info", "mine: warn a warning", "mine: warn of a page"}
	for name, c := range map[string]struct {
		config string
		want   []string
	}{
		"none":        {`export default { plugins: [` + plugin + `] }`, []string{"warn [logs] warning: of the config hook", "[logs] an info", "warn [logs] a warning", "warn [logs] of a page"}},
		"of the file": {class + `export default { customLogger: new Logger(), plugins: [` + plugin + `] }`, append([]string{"mine: warn warning: of the config hook"}, own...)},
		"of a plugin": {class + `export default { plugins: [{ name: "first", config: () => ({ customLogger: new Logger() }) }, ` + plugin + `] }`, own},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startWithPlugins(t, c.config, "")
			s.Get("/log")
			s.Get("/", "Accept", "text/html")
			for _, want := range c.want {
				s.Log.Wait(t, want)
			}
			if text := s.Log.String(); name != "none" && (strings.Contains(text, "[logs] an") || strings.Contains(text, "[logs] of a page")) {
				t.Errorf("the terminal has what is for the customLogger:\n%s", text)
			}
		})
	}
}

// TestLogOfViteThatEnds: what Vite logs is in the terminal also when it is not needed any more, at each start.
func TestLogOfViteThatEnds(t *testing.T) {
	t.Parallel()
	s := startWithPlugins(t, `export default { base: "app", logLevel: "warn", plugins: [{ name: "warns", configResolved: (c) => c.logger.warnOnce("a warning") }] }`, "")
	if level := s.Server().Config().LogLevel; level != "warn" {
		t.Errorf("the level is %q", level)
	}
	s.Log.Wait(t, `warn (!) "base" option should start with a slash.`)
	s.Log.Wait(t, "warn [warns] a warning")
	s.Stop()
	s.Again()
	if n := s.Log.Count("warn [warns] a warning"); n != 2 {
		t.Errorf("two starts warned %d times:\n%s", n, s.Log.String())
	}
}
