package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
)

const modulePath = "github.com/seed-b8174343/devserver"

const initMain = `// Event handlers of this project. devserver builds and runs this folder. Edits take effect while pages stay open.
package main

import (
	"context"
	"log"

	"` + modulePath + `/plugin"
)

func main() {
	plugin.Main(plugin.Plugin{
		Name: "project",
		Events: []plugin.Event{
			// In the page:
			//
			//	import.meta.hot?.on("project:greeting", (data) => console.log(data.text));
			//	import.meta.hot?.send("project:hello", { name: "browser" });
			plugin.On("project:hello", func(ctx context.Context, c plugin.Client, in struct{ Name string }) error {
				log.Println("hello from", in.Name)
				// Send reaches this page only, c.Broadcast reaches all pages.
				return c.Send("project:greeting", map[string]any{"text": "Hello, " + in.Name})
			}),
		},
	})
}
`

// init creates the folder devserver/ in a project. It overwrites no file.
func (c *command) init(args []string) int {
	if len(args) > 1 || len(args) == 1 && strings.HasPrefix(args[0], "-") {
		return c.usage("init takes only the project's folder")
	}
	root := "."
	if len(args) == 1 {
		root = args[0]
	}
	if !isFolder(root) {
		return c.fail(notAFolder(root))
	}
	dir := filepath.Join(root, "devserver")
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return c.fail(fmt.Errorf("%s already exists; nothing was changed", dir))
	}
	if err := scaffold(root, dir); err != nil {
		return c.fail(err)
	}
	fmt.Fprintf(c.stdout, "created %s and %s\nRun devserver, and edit main.go while it runs.\n",
		filepath.Join(dir, "main.go"), filepath.Join(dir, "go.mod"))
	return exitStopped
}

func scaffold(root, dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return fmt.Errorf("create the plugin folder: %w", err)
	}
	for name, text := range map[string]string{"main.go": initMain, "go.mod": initModule(), "go.sum": initSums()} {
		if text == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return fmt.Errorf("create the plugin folder: %w", err)
		}
	}
	return ignoreGenerated(root)
}

// initModule returns the go.mod of a new plugin folder. It requires the release that this binary was built from, or
// replaces it by the source checkout, which needs no network.
func initModule() string {
	var b strings.Builder
	version := releaseVersion()
	source := ""
	if version == "" {
		version, source = "v0.0.0", checkout()
	}
	fmt.Fprintf(&b, "module project/devserver\n\ngo 1.26.0\n\nrequire %s %s\n", modulePath, version)
	for _, line := range indirect(source) {
		fmt.Fprintf(&b, "\nrequire %s // indirect\n", line)
	}
	if source != "" {
		fmt.Fprintf(&b, "\nreplace %s => %s\n", modulePath, source)
	}
	return b.String()
}

// initSums returns the go.sum of a new plugin folder. It returns "" when the checkout is not there or this is a
// release: `go mod tidy` gets the checksums then.
func initSums() string {
	source := checkout()
	if releaseVersion() != "" || source == "" {
		return ""
	}
	text, err := os.ReadFile(filepath.Join(source, "go.sum"))
	if err != nil {
		return ""
	}
	var b strings.Builder
	for line := range strings.Lines(string(text)) {
		for _, name := range pluginNeeds {
			if strings.HasPrefix(line, name+" ") {
				b.WriteString(line)
			}
		}
	}
	return b.String()
}

// pluginNeeds lists the other modules that package plugin needs.
var pluginNeeds = []string{"github.com/gorilla/websocket"}

// indirect returns package plugin's requirements as `path version`, with the checkout's versions.
func indirect(source string) []string {
	text, err := os.ReadFile(filepath.Join(source, "go.mod"))
	if source == "" || err != nil {
		return nil
	}
	var list []string
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require "))
		for _, name := range pluginNeeds {
			if len(fields) >= 2 && fields[0] == name {
				list = append(list, fields[0]+" "+fields[1])
			}
		}
	}
	return list
}

// releaseVersion returns the version that `go install` downloaded, "" for a build of a checkout.
func releaseVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Path != modulePath || info.Main.Version == "(devel)" || info.Main.Sum == "" {
		return ""
	}
	return info.Main.Version
}

// checkout returns the source folder that this binary was built from. It returns "" when the folder is gone, or when
// -trimpath removed it.
func checkout() string {
	_, file, _, ok := runtime.Caller(0)
	if !ok || !filepath.IsAbs(file) {
		return ""
	}
	dir := filepath.Dir(filepath.Dir(filepath.Dir(file)))
	text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil || !strings.HasPrefix(string(text), "module "+modulePath+"\n") {
		return ""
	}
	return dir
}

// ignoreGenerated adds the generated types to the project's .gitignore, if it has a .gitignore.
func ignoreGenerated(root string) error {
	file := filepath.Join(root, ".gitignore")
	text, err := os.ReadFile(file)
	const name = "devserver-env.d.ts"
	if errors.Is(err, fs.ErrNotExist) || strings.Contains(string(text), name) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("add to .gitignore: %w", err)
	}
	line := name + "\n"
	if len(text) > 0 && text[len(text)-1] != '\n' {
		line = "\n" + line
	}
	if err := os.WriteFile(file, append(text, line...), 0o644); err != nil {
		return fmt.Errorf("add to .gitignore: %w", err)
	}
	return nil
}
