package edit

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/watch"
)

// TestShownFiles: an edit names the files of the app, and packages only when nothing else has changed.
func TestShownFiles(t *testing.T) {
	root := t.TempDir()
	u := &Updater{o: Options{Layout: moduleid.Layout{Dir: root, Root: root}}}
	change := func(name string) watch.Change {
		return watch.Change{Kind: watch.Written, Path: filepath.Join(root, name)}
	}
	app, dependency := change("src/a.ts"), change("node_modules/x/index.js")
	for name, c := range map[string]struct {
		changes watch.Batch
		want    []string
	}{
		"the app":   {watch.Batch{app}, []string{"src/a.ts"}},
		"a package": {watch.Batch{dependency, dependency}, []string{"node_modules"}},
		"both":      {watch.Batch{dependency, app}, []string{"src/a.ts"}},
		"no file":   {nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, f := range u.shownFiles(c.changes) {
				got = append(got, f.Path)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
