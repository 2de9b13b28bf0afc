package gate_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/gate"
)

const secret = "the secret"

// project makes a folder with files that may be read and secrets, inside and beside the folder. Every secret file holds
// the text secret.
func project(t testing.TB) (g *gate.Gate, root string) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	root = filepath.Join(dir, "app")
	write := func(name, text string) {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{
		"app/src/main.ts", "app/public/logo.svg", "app/public/.well-known/security.txt",
		"app/node_modules/.pnpm/x/index.js", "shared/util.ts", "app/src/a b%.ts",
	} {
		write(name, "fine")
	}
	for _, name := range []string{
		"secret.txt", "app-secrets/x.ts", "app/.env", "app/.env.local", "app/server.key", "app/certs/own.pem",
		"app/.git/config", "app/src/.hidden/x.ts", "app/.npmrc", "app/.env~", "app/#.env#", "app/.env.swp",
		"app/private/plan.ts", "app/public/.env", "app/UPPER/.Env.Local", "app/UPPER/Server.PEM",
		"app/UPPER/.GIT/config", "app/PRIVATE/plan.ts", "app/own.pem.~12~", "app/.env.~1~",
	} {
		write(name, secret)
	}
	for link, to := range map[string]string{
		"app/src/out.ts": "secret.txt", "app/src/dir": "app-secrets", "app/src/env.ts": "app/.env",
		"app/src/shared.ts": "shared/util.ts",
	} {
		if err := os.Symlink(filepath.Join(dir, to), filepath.Join(dir, link)); err != nil {
			t.Skip("no symbolic links here: ", err)
		}
	}
	g, err = gate.New(gate.Options{Root: root, Public: filepath.Join(root, "public"), Base: "/", Allow: []string{"../shared"}, Deny: []string{"private/**"}})
	if err != nil {
		t.Fatal(err)
	}
	return g, root
}

func TestTargetsThatAreServed(t *testing.T) {
	g, root := project(t)
	for _, target := range []string{
		"/src/main.ts", "/src/main.ts?raw", "/src/main.ts?t=1&import", "/logo.svg", "/.well-known/security.txt",
		"/src/a%20b%25.ts", "/node_modules/.pnpm/x/index.js",
		"/@fs" + root + "/src/main.ts", "/@fs" + filepath.Dir(root) + "/shared/util.ts", "/src/shared.ts",
	} {
		if found, denied := g.Resolve(target); denied != nil {
			t.Errorf("%s: %v", target, denied.Reason)
		} else if text, err := g.ReadFile(found.File); err != nil || string(text) != "fine" {
			t.Errorf("%s: %q, %v", target, text, err)
		}
	}
}

// targets are URLs that attackers tried on development servers to reach files that are not served.
func targets(root string) []string {
	above := filepath.Dir(root)
	plain := []string{
		"/.env", "/.env.local", "/server.key", "/certs/own.pem", "/.git/config", "/src/.hidden/x.ts", "/.npmrc",
		"/.env~", "/.env.swp", "/%23.env%23", "/private/plan.ts",
		// spelled as on disk, where case matters
		"/UPPER/.Env.Local", "/UPPER/Server.PEM", "/UPPER/.GIT/config", "/PRIVATE/plan.ts", "/own.pem.~12~",
		"/.env.~1~",
		"/src/out.ts", "/src/dir/x.ts", "/src/env.ts", "/@fs" + above + "/secret.txt",
		"/@fs" + above + "/app-secrets/x.ts", "/@fs" + root + "/.env", "/@fs/etc/passwd",
		"/@fs" + root + "/../secret.txt",
		"/../secret.txt", "/src/../../secret.txt", "/%2e%2e/secret.txt", "/%2e%2e%2fsecret.txt", "/..%2fsecret.txt",
		"/..%5csecret.txt", "/..\\secret.txt", "/%252e%252e/secret.txt", "/src/%2e%2e/.env",
		"//.env", "/src//../.env", "/./.env", "/.%65nv", "/%2eenv", "/.ENV", "/.Env.Local", "/SERVER.KEY",
		"/.GIT/config", "/.env/", "/.env%20", "/.env.", "/.env...", "/.env::$DATA", "/ENV~1", "/.env%00", "/.env%00.ts",
		"/.env#", "/.env#.ts", "/.env%0a", "/nul", "/src/con.ts", "http://localhost/.env", ".env", "", "*",
		"/@fs/" + above + "/secret.txt", "/@fs//etc/passwd", "/@fs/", "/@id/.env",
	}
	var all []string
	for _, target := range plain {
		all = append(all, target)
		for _, query := range []string{
			"?raw", "?url", "?inline", "?import", "?raw&url", "??raw", "?raw?raw", "?&raw", "?import&raw&inline",
			"?worker", "?init", "?t=1", "?.ts", "?", "?x=/src/main.ts",
		} {
			all = append(all, target+query)
		}
	}
	return all
}

func TestTargetsThatAreRefused(t *testing.T) {
	g, root := project(t)
	for _, target := range targets(root) {
		if found, denied := g.Resolve(target); denied == nil {
			t.Errorf("%q leads to %s", target, found.File)
		} else if text := denied.Text(); strings.Contains(text, root) || strings.Contains(text, "env") {
			t.Errorf("%q is answered with %q", target, text)
		}
	}
}

// TestImportsOfSecrets: the files that a module imports pass the same rules, and Permit opens no secret.
func TestImportsOfSecrets(t *testing.T) {
	g, root := project(t)
	for name, allowed := range map[string]bool{
		"src/main.ts": true, ".env": false, "server.key": false, ".git/config": false, "private/plan.ts": false,
		"../secret.txt": false, "../app-secrets/x.ts": false, "../shared/util.ts": true, "src/.hidden/x.ts": true,
	} {
		file := filepath.Join(root, filepath.FromSlash(name))
		g.Permit("/src/main.ts", filepath.Join(root, "src", "main.ts"), file)
		if err := g.Allowed(file); (err == nil) != allowed {
			t.Errorf("%s: %v, want allowed %v", name, err, allowed)
		}
	}
}

// FuzzResolve: no target leads to a secret.
func FuzzResolve(f *testing.F) {
	g, root := project(f)
	for _, target := range targets(root) {
		f.Add(target)
	}
	f.Fuzz(func(t *testing.T, target string) {
		found, denied := g.Resolve(target)
		if denied != nil {
			return
		}
		if text, err := g.ReadFile(found.File); err != nil || string(text) != "fine" {
			t.Fatalf("%q leads to %s: %q, %v", target, found.File, text, err)
		}
	})
}
