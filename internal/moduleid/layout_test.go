package moduleid_test

import (
	"path/filepath"
	"testing"

	"github.com/seed-b8174343/devserver/internal/moduleid"
)

func TestShown(t *testing.T) {
	at := filepath.FromSlash
	alone := moduleid.Layout{Dir: at("/w/packages/app"), Root: at("/w/packages/app")}
	inside := moduleid.Layout{Dir: at("/w/packages/app"), Root: at("/w/packages/app/client"), Workspace: at("/w")}
	for _, c := range []struct {
		name   string
		layout moduleid.Layout
		file   string
		want   string
	}{
		{"below the project", alone, "/w/packages/app/src/a.ts", "src/a.ts"},
		{"beside the root, in the project", inside, "/w/packages/app/vite.config.ts", "vite.config.ts"},
		{"elsewhere in the workspace", inside, "/w/packages/ui/b.ts", "../ui/b.ts"},
		{"elsewhere, without a workspace", alone, "/w/packages/ui/b.ts", "/w/packages/ui/b.ts"},
		{"outside the workspace", inside, "/etc/x.ts", "/etc/x.ts"},
		{"a folder whose name begins like the workspace", inside, "/w2/x.ts", "/w2/x.ts"},
	} {
		if got := c.layout.Shown(at(c.file)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestURLs(t *testing.T) {
	l := moduleid.Layout{Root: filepath.FromSlash("/w/app"), Base: "/base/"}
	for id, want := range map[string]string{"/src/a.ts?raw": "/base/src/a.ts", "/über uns.png": "/base/%C3%BCber%20uns.png",
		"/q%3Fmark%25.ts?raw": "/base/q%3Fmark%25.ts", "/hash#tag.ts": "/base/hash%23tag.ts",
	} {
		if got := l.URL(id); got != want {
			t.Errorf("URL(%q) is %q, want %q", id, got, want)
		}
	}
	for _, c := range []struct {
		path, name string
		below      bool
	}{{"/base/src/a.ts", "/src/a.ts", true}, {"/base/", "/", true}, {"/base", "", true}, {"/other", "/other", false}} {
		if name, below := l.Below(c.path); name != c.name || below != c.below {
			t.Errorf("Below(%q) is %q %v, want %q %v", c.path, name, below, c.name, c.below)
		}
	}
	for file, want := range map[string]bool{"/w/app": false, "/w/app/a.ts": false, "/w/app2/a.ts": true, "/w": true} {
		if got := l.Outside(filepath.FromSlash(file)); got != want {
			t.Errorf("Outside(%q) is %v, want %v", file, got, want)
		}
	}
}

// TestIDsOfPaths: each path has an ID of its own, and the ID leads back to the path.
func TestIDsOfPaths(t *testing.T) {
	paths := []string{"/a.ts", "/q?mark.ts", "/q%3Fmark.ts", "/q%253Fmark.ts", "/100%.ts", "/100%25.ts", "/a b#c&d.ts", "/??%%"}
	ids := map[string]string{}
	for _, path := range paths {
		id := moduleid.OfPath(path)
		if other, taken := ids[id]; taken {
			t.Errorf("%s and %s have the ID %s", path, other, id)
		}
		ids[id] = path
		if got := moduleid.Path(id + "?raw"); got != path {
			t.Errorf("the ID %s leads to %s, want %s", id, got, path)
		}
	}
}

func TestContentType(t *testing.T) {
	for name, want := range map[string]string{
		"a.js": "text/javascript; charset=utf-8", "a.TS": "text/javascript; charset=utf-8", "a.svg": "image/svg+xml", "a.html": "text/html; charset=utf-8",
		"a.webm": "video/webm", "a.ogg": "audio/ogg", "a.ico": "image/x-icon", "a.cur": "image/x-icon", "a.opus": "audio/ogg", "a.gltf": "model/gltf+json",
		"a.txt": "text/plain; charset=utf-8", "a.wasm": "application/wasm", "a.webmanifest": "application/manifest+json",
		"a.ttc": "font/collection", "a.toml": "application/octet-stream", // this machine's tables may know it
		"a.unknown-kind": "application/octet-stream", "LICENSE": "application/octet-stream",
	} {
		if got := moduleid.ContentType(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// TestEveryAssetHasType: an asset without a type would be downloaded where it is to be shown.
func TestEveryAssetHasType(t *testing.T) {
	for _, ext := range moduleid.AssetExtensions {
		if got := moduleid.ContentType("a" + ext); got == "application/octet-stream" {
			t.Errorf("%s has no type", ext)
		}
	}
}
