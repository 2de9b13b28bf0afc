package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/seed-b8174343/devserver/internal/config"
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

// init creates the folder devserver/ in a project, or with --agents the files by which AI agents find devserver, or with
// --example a project. It overwrites no file. Without an argument the project is the current folder, if it looks like a project.
func (c *command) init(args []string) int {
	set := pflag.NewFlagSet("devserver init", pflag.ContinueOnError)
	set.Usage = func() {}
	agents := set.Bool("agents", false, "")
	example := set.String("example", "", "")
	set.Lookup("example").NoOptDefVal = unnamed
	if err := set.Parse(args); err != nil {
		return c.usage("init: %v", explain(err, set))
	}
	args = set.Args()
	if set.Changed("example") {
		if *agents {
			return c.usage("give --example or --agents, not both")
		}
		return c.initExample(*example, args)
	}
	if len(args) > 1 {
		return c.usage("init takes only the project's folder")
	}
	root := "."
	if len(args) == 1 {
		root = args[0]
	} else if !isProject(root) {
		var err error
		if root, err = c.whichProject(*agents); err != nil {
			return c.usage("%v", err)
		}
	}
	if !isFolder(root) {
		return c.fail(notAFolder(root))
	}
	if *agents {
		return c.initAgents(root)
	}
	dir := filepath.Join(root, "devserver")
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return c.fail(fmt.Errorf("%s already exists; nothing was changed", dir))
	}
	if err := scaffold(root, dir); err != nil {
		return c.fail(err)
	}
	fmt.Fprintf(c.stdout, "created %s and %s\n", filepath.Join(dir, "main.go"), filepath.Join(dir, "go.mod"))
	added, err := ignoreGenerated(root)
	if err != nil {
		return c.fail(err)
	}
	if added {
		fmt.Fprintf(c.stdout, "added %s to %s: the files with types that devserver writes\n", generatedTypes, filepath.Join(root, ".gitignore"))
	}
	fmt.Fprintln(c.stdout, "Run devserver, and edit main.go while it runs.")
	return exitStopped
}

// projectFiles are the files by which a folder is known as a project.
var projectFiles = []string{"package.json", "index.html", config.FileName}

// isProject reports whether a folder looks like a project.
func isProject(dir string) bool {
	return slices.ContainsFunc(projectFiles, func(name string) bool {
		_, err := os.Stat(filepath.Join(dir, name))
		return err == nil
	})
}

// whichProject asks for the project's folder, since the current folder is none. The folder that the user may have meant
// lies above or below. Without a terminal it returns an error with the next step.
func (c *command) whichProject(agents bool) (string, error) {
	name, question := "init", "Make devserver/ in which folder?"
	if agents {
		name, question = "init --agents", "Write the files for agents to which folder?"
	}
	here, err := filepath.Abs(".")
	if err != nil {
		return "", err
	}
	found := projectsAround(here)
	looked := fmt.Sprintf("%s is no project: it has none of %s", here, strings.Join(projectFiles, ", "))
	if len(found) > 0 {
		looked += ". Around it there are " + strings.Join(found, ", ")
	} else {
		looked += ", and no folder above or below is one"
	}
	if !c.interactive() {
		return "", fmt.Errorf("%s. Name the folder: devserver %s %s", looked, name, cmp.Or(quoted(first(found)), "<folder>, or devserver "+name+" . for this folder"))
	}
	return c.askFolder(looked, question, first(found))
}

// askFolder asks for a folder. An empty line takes the suggestion.
func (c *command) askFolder(looked, question, suggestion string) (string, error) {
	fmt.Fprintf(c.stdout, "%s.\n", looked)
	prompt := question + " "
	if suggestion != "" {
		prompt += "[" + suggestion + "] "
	}
	fmt.Fprint(c.stdout, prompt)
	line, err := bufio.NewReader(c.stdin).ReadString('\n')
	folder := cmp.Or(strings.TrimSpace(line), suggestion)
	if folder == "" || err != nil && line == "" {
		return "", errors.New("no folder was named; nothing was changed")
	}
	return folder, nil
}

// quoted returns a folder as the user types it.
func quoted(folder string) string {
	if strings.ContainsAny(folder, " '\"$") {
		return fmt.Sprintf("%q", folder)
	}
	return folder
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// projectsAround returns the projects in the folders below a folder, two levels deep as in a monorepo, and then the
// nearest project above, as paths from the folder.
func projectsAround(here string) []string {
	found := projectsBelow(here, "", 2)
	found = found[:min(len(found), 5)]
	up := ".."
	for dir := filepath.Dir(here); dir != filepath.Dir(dir); dir, up = filepath.Dir(dir), filepath.Join(up, "..") {
		if isProject(dir) {
			return append(found, up)
		}
	}
	return found
}

func projectsBelow(dir, name string, levels int) []string {
	entries, _ := os.ReadDir(dir)
	var found []string
	for _, e := range entries {
		below, belowName := filepath.Join(dir, e.Name()), filepath.Join(name, e.Name())
		switch {
		case !e.IsDir() || e.Name()[0] == '.' || e.Name() == "node_modules":
		case isProject(below):
			found = append(found, belowName)
		case levels > 1:
			found = append(found, projectsBelow(below, belowName, levels-1)...)
		}
	}
	return found
}

func scaffold(root, dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return fmt.Errorf("create the plugin folder: %w", err)
	}
	// The code comes last: a server that runs sees a whole module.
	for _, file := range [][2]string{{"go.mod", initModule()}, {"go.sum", initSums()}, {"main.go", initMain}} {
		name, text := file[0], file[1]
		if text == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return fmt.Errorf("create the plugin folder: %w", err)
		}
	}
	return nil
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

// generatedTypes is the pattern of the files with types that devserver writes, see client.Types.
const generatedTypes = "devserver-*.d.ts"

// ignoreGenerated adds generatedTypes to the project's .gitignore, and reports whether it did. A project without a
// .gitignore gets none.
func ignoreGenerated(root string) (added bool, err error) {
	file := filepath.Join(root, ".gitignore")
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) || strings.Contains(string(text), generatedTypes) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("add to .gitignore: %w", err)
	}
	line := generatedTypes + "\n"
	if len(text) > 0 && text[len(text)-1] != '\n' {
		line = "\n" + line
	}
	if err := os.WriteFile(file, append(text, line...), 0o644); err != nil {
		return false, fmt.Errorf("add to .gitignore: %w", err)
	}
	return true, nil
}
