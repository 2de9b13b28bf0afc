package vite

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-b8174343/devserver/internal/wire"
)

// hanging has the fake Vite hang in a method, until go on is called. Times pass when the test sends to v.wait.
func (v *fakeVite) hanging(method, id string) (goOn func()) {
	hangs := make(chan struct{})
	v.mu.Lock()
	defer v.mu.Unlock()
	v.wait = make(chan time.Time)
	v.answer = func(m string, params map[string]any) (any, error) {
		if m == method && (id == "" || params["id"] == filepath.Join(v.dir, id)) {
			<-hangs
		}
		return v.making(m, params)
	}
	return func() { close(hangs) }
}

// giveUp ends the wait for a question once it was asked.
func (v *fakeVite) giveUp(t *testing.T, question string) {
	t.Helper()
	eventually(t, question+" is asked", func() bool {
		v.mu.Lock()
		defer v.mu.Unlock()
		return slices.ContainsFunc(v.calls, func(call string) bool { return strings.HasPrefix(call, question) })
	}, v.log.String)
	v.wait <- time.Time{}
}

// started returns how many processes have started.
func (v *fakeVite) started() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.starts
}

// TestEditsDoNotWait: a hook that hangs holds up an edit for a moment, and the next edits not at all. What was asked is
// done once it answers.
func TestEditsDoNotWait(t *testing.T) {
	t.Parallel()
	v := newFake(t, map[string]string{"a.own": "one", "b.ts": "1"})
	v.answer = v.making
	h, _ := v.host(nil, all())
	ctx := InEdit(t.Context())
	codeOf(t, h, "/a.own")
	codeOf(t, h, "/b.ts")
	v.taken(&v.calls)
	goOn := v.hanging("viteTransform", "a.own")
	failed := make(chan error)
	go func() {
		_, err := h.Transform(ctx, "/a.own")
		failed <- err
	}()
	v.giveUp(t, "viteTransform /a.own")
	if err := <-failed; !errors.Is(err, ErrDown) || !strings.Contains(err.Error(), "asked about /a.own") {
		t.Errorf("a hook that hangs: %v", err)
	}
	h.late.note(Slow{Plugin: "own", Hook: "transform", Of: "/a.own"})
	v.taken(&v.calls)
	_, err := h.Transform(ctx, "/a.own")
	if e, ok := errors.AsType[*wire.Error](err); !ok || e.Plugin != "own" || e.Message != "transform for /a.own has not answered for 5 s" {
		t.Errorf("the error does not name the hook: %v", err)
	}
	if _, err := h.Hot(ctx, []Change{{filepath.Join(v.dir, "b.ts"), "update"}}, nil); !errors.Is(err, ErrDown) {
		t.Errorf("the next edit: %v", err)
	}
	if m, err := h.Transform(ctx, "/b.ts"); m != nil || err != nil {
		t.Errorf("a module of no plugin: %v %v", m, err)
	}
	if calls := v.taken(&v.calls); len(calls) > 0 {
		t.Errorf("asked while a hook hangs: %q", calls)
	}
	goOn()
	eventually(t, "what was asked is done", func() bool {
		v.mu.Lock()
		defer v.mu.Unlock()
		return cmp.Equal(v.redone, []string{"edit /b.ts", "make /a.own"})
	}, func() string { return strings.Join(v.taken(&v.redone), "\n") })
	if m, err := h.Transform(ctx, "/a.own"); err != nil || m.Code != "made of one" {
		t.Errorf("the module in the end: %v %v", m, err)
	}
}

// TestHeardTooLate: what plugins say to an edit that does not wait any more is theirs to the same edit later. They hear
// of it once.
func TestHeardTooLate(t *testing.T) {
	t.Parallel()
	v := newFake(t, map[string]string{"a.own": "one"})
	v.answer = v.making
	h, _ := v.host(nil, all())
	ctx := InEdit(t.Context())
	codeOf(t, h, "/a.own")
	change := []Change{{filepath.Join(v.dir, "a.own"), "update"}}
	late := func() {
		v.taken(&v.calls)
		goOn := v.hanging("viteHot", "")
		failed := make(chan error)
		go func() {
			_, err := h.Hot(ctx, change, nil)
			failed <- err
		}()
		v.giveUp(t, "viteHot")
		if err := <-failed; !errors.Is(err, ErrDown) {
			t.Errorf("a hook that hangs: %v", err)
		}
		goOn()
		eventually(t, "the edit is made", func() bool { return slices.Equal(v.taken(&v.redone), []string{"edit /a.own"}) }, v.log.String)
		v.taken(&v.calls)
	}
	late()
	hot, err := h.Hot(ctx, change, nil)
	if err != nil || !hot.Files[0].Narrowed {
		t.Errorf("the edit says %+v %v", hot, err)
	}
	if calls := v.taken(&v.calls); len(calls) > 0 {
		t.Errorf("plugins hear of the edit again: %q", calls)
	}
	late()
	v.write("a.own", "two")
	if _, err := h.Hot(ctx, change, nil); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"viteHot [map[file:/a.own kind:update]]"}, v.taken(&v.calls)); diff != "" {
		t.Errorf("another edit of the file (-want +got):\n%s", diff)
	}
}

// TestDiesAboutAnEdit: a process that dies about an edit is followed by a process that first makes what pages run.
func TestDiesAboutAnEdit(t *testing.T) {
	t.Parallel()
	for name, dies := range map[string]func(v *fakeVite){
		"before plugins hear": func(v *fakeVite) { v.process().Kill("killed") },
		"in the hook": func(v *fakeVite) {
			v.answer = func(method string, params map[string]any) (any, error) {
				if method == "viteHot" && v.started() == 1 {
					v.process().Kill("killed")
				}
				return v.making(method, params)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newFake(t, map[string]string{"a.own": "one"})
			v.answer = v.making
			h, _ := v.host(nil, all())
			codeOf(t, h, "/a.own")
			v.write("a.own", "two")
			dies(v)
			v.taken(&v.calls)
			if _, err := h.Hot(t.Context(), []Change{{filepath.Join(v.dir, "a.own"), "update"}}, nil); err != nil {
				t.Fatal(err)
			}
			calls := v.taken(&v.calls)
			if len(calls) < 2 || !slices.Equal(calls[len(calls)-2:], []string{"viteTransform /a.own one", "viteHot [map[file:/a.own kind:update]]"}) {
				t.Errorf("the next process is asked %q", calls)
			}
		})
	}
}

// TestOwedPage: a page that failed since Vite is down loads again when Vite runs.
func TestOwedPage(t *testing.T) {
	t.Parallel()
	v := newFake(t, nil)
	v.answer = func(string, map[string]any) (any, error) {
		if v.started() < 3 {
			v.process().Kill("killed")
		}
		return map[string]any{"html": "made"}, nil
	}
	info := all()
	info.HTML.Rest = true
	h, _ := v.host(nil, info)
	pages := make(chan string, 9)
	h.o.RedoPage = func(file string) { pages <- file }
	if _, err := h.HTML(t.Context(), false, Page{File: "/index.html"}); !errors.Is(err, ErrDown) {
		t.Errorf("the error is %v", err)
	}
	if got := <-pages; got != "/index.html" {
		t.Errorf("the page is %q", got)
	}
}

// TestSameAsInAnEdit: a module that was made in an edit may have a line about the edit.
func TestSameAsInAnEdit(t *testing.T) {
	t.Parallel()
	const code = "import a from \"a\";\nexport default a;\n"
	for name, c := range map[string]struct {
		was    string
		inEdit bool
		same   bool
	}{
		"the same":            {code, true, true},
		"a line of the edit":  {code + "export const _rerender_only = true;\n", true, true},
		"two lines":           {code + "one();\ntwo();\n", true, false},
		"another line":        {strings.Replace(code, "default a", "default a + 1", 1), true, false},
		"a line less":         {"export default a;\n", true, false},
		"an import more":      {"import b from \"b\";\n" + code, true, false},
		"made outside of one": {code + "export const _rerender_only = true;\n", false, false},
	} {
		if got := madeOf(&Module{Code: c.was}, c.inEdit).is(&Module{Code: code}); got != c.same {
			t.Errorf("%s: %v", name, got)
		}
	}
}
