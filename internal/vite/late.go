package vite

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/seed-b8174343/devserver/internal/wire"
)

// A plugin may take its time, or never answer, and edits come one after the other. So an edit waits for plugins for a
// moment only, while a page that loads waits for the answer. It goes on as if Vite were down, and what plugins were asked about follows once they have answered.

// moment is how long an edit waits for plugins.
const moment = 5 * time.Second

type ofEdit struct{}

// InEdit returns a context for an edit: questions with it fail with ErrDown when plugins take long.
func InEdit(ctx context.Context) context.Context { return context.WithValue(ctx, ofEdit{}, true) }

// late counts the questions that an edit does not wait for any more. The zero value counts none.
type late struct {
	mu    sync.Mutex
	n     int
	about string            // what the first of them is about
	heard map[string]*heard // by file: what plugins said too late to the edit of a file
	slow  Slow
}

// Slow is a hook that takes long.
type Slow struct {
	Plugin string `json:"plugin"`
	Hook   string `json:"hook"`
	Of     string `json:"of"`
}

func (s Slow) String() string {
	if s.Of == "" {
		return s.Hook
	}
	return s.Hook + " for " + s.Of
}

// heard is an answer to the edit of a file that no edit has used.
type heard struct {
	text  *string // of the file when plugins were asked
	file  HotFile
	sends []Send
}

// err returns the error of questions of edits, nil while plugins answer.
func (l *late) err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.n == 0 {
		return nil
	}
	e := &wire.Error{
		Message: "Vite's plugins have not answered for 5 s, when asked about " + l.about,
		Hint:    "the edit is made once they answer; Node is started again when that takes more than a minute",
	}
	if l.slow.Hook != "" {
		e.Plugin = l.slow.Plugin
		e.Message = l.slow.String() + " has not answered for 5 s"
	}
	return downError{e}
}

// count counts questions that nobody waits for.
func (l *late) count(n int, about string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.n == 0 {
		l.about = about
	}
	if l.n += n; l.n == 0 {
		l.slow = Slow{}
	}
}

// is reports whether such a question has no answer yet.
func (l *late) is() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.n > 0
}

// note notes the hook that takes long.
func (l *late) note(s Slow) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.slow = s
}

// inTime asks a question. With a context of an edit it gives up after a moment; tooLate then gets the answer.
func inTime[T any](
	ctx context.Context, h *Host, about string, ask func(context.Context) (T, error), tooLate func(T, error),
) (answer T, err error) {
	if ctx.Value(ofEdit{}) == nil {
		return ask(ctx)
	}
	if err := h.late.err(); err != nil {
		return answer, err
	}
	type result struct {
		answer T
		err    error
	}
	done := make(chan result, 1)
	go func() { // ends with ctx at the latest
		answer, err := ask(ctx)
		done <- result{answer, err}
	}()
	select {
	case r := <-done:
		return r.answer, r.err
	case <-h.after(moment):
	}
	h.late.count(1, about)
	err = h.late.err()
	go func() {
		r := <-done
		if tooLate != nil {
			tooLate(r.answer, r.err)
		}
		h.late.count(-1, "")
		h.redoOwed()
	}()
	return answer, err
}

// hear is hot, and takes what plugins said too late to an edit before. They must not be asked twice about an edit: Vue
// would find nothing that differs from what it has seen.
func (h *Host) hear(ctx context.Context, changes []Change, built []string) (*Hot, error) {
	var unheard []Change
	var texts []*string
	for _, c := range changes {
		text := h.textOf(c.File)
		if k := h.late.of(c.File); k == nil || !equal(k.text, text) {
			unheard, texts = append(unheard, c), append(texts, text)
		}
	}
	now := &Hot{}
	if len(unheard) > 0 {
		var err error
		now, err = inTime(ctx, h, unheard[0].File, func(ctx context.Context) (*Hot, error) {
			return h.hot(ctx, unheard, built)
		}, func(hot *Hot, err error) {
			if err == nil {
				h.late.keep(unheard, texts, hot)
			}
		})
		if err != nil {
			return nil, err
		}
	}
	h.late.keep(unheard, texts, now)
	hot := &Hot{}
	for _, c := range changes {
		k := h.late.take(c.File)
		hot.Files, hot.Sends = append(hot.Files, k.file), append(hot.Sends, k.sends...)
	}
	return hot, nil
}

func equal(a, b *string) bool { return a == nil && b == nil || a != nil && b != nil && *a == *b }

func (l *late) of(file string) *heard {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.heard[file]
}

// keep keeps what plugins said to changes of files, beside what they said before.
func (l *late) keep(changes []Change, texts []*string, hot *Hot) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.heard == nil {
		l.heard = map[string]*heard{}
	}
	for i, c := range changes {
		k := &heard{text: texts[i]}
		if i < len(hot.Files) {
			k.file = hot.Files[i]
		}
		if i == 0 {
			k.sends = hot.Sends
		}
		if was := l.heard[c.File]; was != nil {
			k.file, k.sends = was.file.with(k.file), slices.Concat(was.sends, k.sends)
		}
		l.heard[c.File] = k
	}
}

// take returns what keep has kept, once.
func (l *late) take(file string) heard {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := l.heard[file]
	delete(l.heard, file)
	if k == nil {
		return heard{} // the file has changed twice
	}
	return *k
}

// with returns what plugins said to two edits of a file.
func (f HotFile) with(next HotFile) HotFile {
	f.Narrowed = f.Narrowed && next.Narrowed
	f.Modules, f.Touched = slices.Concat(f.Modules, next.Modules), slices.Concat(f.Touched, next.Touched)
	if next.Err != nil {
		f.Err = next.Err
	}
	return f
}
