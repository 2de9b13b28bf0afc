package gate_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/internal/gate"
)

// beside is a project with a package and a folder beside it. Nothing of it is in a repository.
const beside = `
-- app/src/main.ts --
-- app/src/.hidden/x.ts --
-- app/node_modules/dep/index.js --
-- shared/x.ts --
-- shared/other.ts --
-- shared/.env --
-- shared/tls.key --
-- shared/.git-credentials --
-- shared/private/plan.ts --
-- shared/.config/x.ts --
-- kit/index.js --
-- kit/part.js --
-- kit/node_modules/own/index.js --
-- kit/node_modules/own/lib/part.js --
`

func besides(t *testing.T, repositories ...string) (g *gate.Gate, file func(name string) string) {
	t.Helper()
	app := devtest.App(t, devtest.Text(beside))
	for _, dir := range repositories {
		app.Write(dir+"/.git/HEAD", "")
	}
	g, err := gate.New(gate.Options{Root: app.Path("app"), Deny: []string{"private/**"}})
	if err != nil {
		t.Fatal(err)
	}
	return g, app.Path
}

// TestImportPermitsTheFile: an import makes one file readable, by its URL and by its path, and no file beside it.
func TestImportPermitsTheFile(t *testing.T) {
	g, file := besides(t)
	x := "/@fs" + filepath.ToSlash(file("shared/x.ts"))
	if _, denied := g.Resolve(x); denied == nil || denied.Allow == "" {
		t.Fatalf("without an import: %v", denied)
	}
	g.Permit("/src/main.ts", file("app/src/main.ts"), file("shared/x.ts"))
	if target, denied := g.Resolve(x); denied != nil || target.ID != x || target.File != file("shared/x.ts") {
		t.Errorf("imported: %+v, %v", target, denied)
	}
	if _, err := g.ReadFile(file("shared/x.ts")); err != nil {
		t.Error(err)
	}
	for _, other := range []string{"shared/other.ts", "shared/.env", "shared"} {
		if _, denied := g.Resolve("/@fs" + filepath.ToSlash(file(other))); denied == nil {
			t.Errorf("%s is readable, too", other)
		}
	}
	g.Retain("/src/main.ts", func(string) bool { return true })
	if g.Allowed(file("shared/x.ts")) != nil {
		t.Error("the permission ended with an edit that kept the import")
	}
	g.Retain("/src/main.ts", func(string) bool { return false })
	if _, denied := g.Resolve(x); denied == nil {
		t.Error("the import was removed, and the file is still readable")
	}
}

// TestWhatAnImportPermits: secrets are never permitted. What a path leads to depends on where the path is written.
func TestWhatAnImportPermits(t *testing.T) {
	const main, dep, kit, own = "app/src/main.ts", "app/node_modules/dep/index.js", "kit/index.js", "kit/node_modules/own/index.js"
	for _, c := range []struct {
		why          string
		repositories []string
		from, to     string
		want         bool
	}{
		{"a path, without a repository", nil, main, "shared/x.ts", true},
		{"a path in the repository", []string{"."}, main, "shared/x.ts", true},
		{"a path in the repository around the own one", []string{".", "app"}, main, "shared/x.ts", true},
		{"a path out of the repository", []string{"app"}, main, "shared/x.ts", false},
		{"a package or an alias", []string{"app"}, "", "shared/x.ts", true},
		{"a part of a linked package", []string{"app"}, kit, "kit/part.js", true},
		{"a part of a package's package", nil, own, "kit/node_modules/own/lib/part.js", true},
		{"a path out of the installed packages", nil, own, "kit/part.js", false},
		{"a path out of the installed packages", nil, dep, "shared/x.ts", false},
		{"a hidden file of the project", nil, main, "app/src/.hidden/x.ts", true},
		{"a hidden file elsewhere", nil, main, "shared/.config/x.ts", true},
		{"a secret", nil, main, "shared/.env", false},
		{"a secret", nil, "", "shared/.env", false},
		{"a secret", nil, "", "shared/tls.key", false},
		{"a secret", nil, "", "shared/.git-credentials", false},
		{"a folder of fs.deny", nil, "", "shared/private/plan.ts", false},
	} {
		g, file := besides(t, c.repositories...)
		from := c.from
		if from != "" {
			from = file(from)
		}
		g.Permit("/src/main.ts", from, file(c.to))
		if err := g.Allowed(file(c.to)); (err == nil) != c.want {
			t.Errorf("%s: %s imports %s: %v, want permitted %v", c.why, c.from, c.to, err, c.want)
		}
	}
}

// TestPermissionNeedsAReadableImporter: a chain of imports begins at a file of the project. Modules outside that import
// each other give each other no permission.
func TestPermissionNeedsAReadableImporter(t *testing.T) {
	g, file := besides(t)
	id := func(name string) string { return g.FileToID(file(name)) }
	permit := func(module, to string) { g.Permit(module, "", file(to)) }
	permit(id("kit/index.js"), "kit/part.js")
	permit(id("kit/part.js"), "kit/index.js")
	if g.Allowed(file("kit/index.js")) == nil || g.Allowed(file("kit/part.js")) == nil {
		t.Error("two modules outside permit each other")
	}
	permit("/src/main.ts", "kit/index.js")
	for _, name := range []string{"kit/index.js", "kit/part.js"} {
		if err := g.Allowed(file(name)); err != nil {
			t.Error(err)
		}
	}
	g.Retain("/src/main.ts", func(string) bool { return false })
	if g.Allowed(file("kit/part.js")) == nil {
		t.Error("the chain is cut, and its end is still readable")
	}
	permit("virtual:list", "kit/part.js") // a plugin's module
	if err := g.Allowed(file("kit/part.js")); err != nil {
		t.Error(err)
	}
}

// TestDenyPatterns: patterns of server.fs.deny are Vite's. A name is denied in any folder, and case does not matter.
func TestDenyPatterns(t *testing.T) {
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		pattern, file string
		denied        bool
	}{
		{"*.bak2", "src/a.bak2", true},
		{"*.bak2", "src/.a.BAK2", true},
		{"secret.{json,yml}", "src/deep/Secret.yml", true},
		{"@(a|b).json", "src/b.json", true},
		{"!(a).json", "src/b.json", true},
		{"!(a).json", "src/a.json", false},
		{"src/+([0-9]).txt", "src/12.txt", true},
		{"src/+([0-9]).txt", "deep/src/12.txt", false},
		{"./private/**", "private/x/y.ts", true},
		{"**/private/**", "src/private/y.ts", true},
		{"private", "src/private", true},
		{"private/**", "src/private/y.ts", false},
	} {
		g, err := gate.New(gate.Options{Root: root, Deny: []string{c.pattern}})
		if err != nil {
			t.Fatal(err)
		}
		if got := g.Allowed(filepath.Join(root, filepath.FromSlash(c.file))) != nil; got != c.denied {
			t.Errorf("%s denies %s: %t", c.pattern, c.file, got)
		}
	}
	if _, err := gate.New(gate.Options{Root: root, Deny: []string{"a[b"}}); err == nil || err.Error() != `server.fs.deny: malformed pattern "a[b": [ is not closed` {
		t.Errorf("got %v", err)
	}
}

// TestAllowedFolderIsMissing: an entry of server.fs.allow that leads nowhere is an error with the folder and what to do.
func TestAllowedFolderIsMissing(t *testing.T) {
	root := t.TempDir()
	_, err := gate.New(gate.Options{Root: root, Allow: []string{"../nowhere"}})
	if want := "there is no folder " + filepath.Join(root, "../nowhere"); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}
