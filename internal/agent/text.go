package agent

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-b8174343/devserver/internal/journal"
	"github.com/seed-b8174343/devserver/internal/steer"
)

// Each func here marks the texts of pages in an answer, in place, and returns the answer in words. The marked answer is
// what a client gets as structured content.

// writer collects lines.
type writer struct{ strings.Builder }

func (w *writer) line(format string, args ...any) {
	fmt.Fprintf(w, format, args...)
	w.WriteByte('\n')
}

// text returns the lines without the last line break.
func (w *writer) text() string { return strings.TrimRight(w.String(), "\n") }

func (m Marks) status(v *steer.Status) string {
	var w writer
	v.Project, v.Root = clean(v.Project), clean(v.Root)
	w.line("%s (%s) at %s, devserver %s. Cursor %d.", v.Project, v.Root, v.URL, v.Version, v.Cursor)
	if v.Paused {
		w.line("Updates are paused: pages keep the old code until resume.")
	}
	if len(v.Pages) == 0 {
		w.line("No page is open. Open %s in a browser to see it here.", v.URL)
	}
	for i := range v.Pages {
		w.line("page %s", m.page(&v.Pages[i]))
	}
	if len(v.Errors) == 0 && !slices.ContainsFunc(v.Pages, func(p steer.Page) bool { return p.Error != "" }) {
		w.line("No errors.")
	}
	m.errors(&w, v.Errors, "")
	if e := v.LastEdit; e != nil {
		w.line("Last edit: %s", edit(*e))
	}
	if len(v.Allowed) > 0 {
		w.line("Allowed: %s.", strings.Join(v.Allowed, ", "))
	}
	return w.text()
}

// page marks a page and returns its line.
func (m Marks) page(p *steer.Page) string {
	p.URL, p.User = m.name(p.ID, p.URL), m.name(p.ID, p.User)
	if !isBrowser(p.Browser) {
		p.Browser = m.value(p.ID, p.Browser)
	}
	p.Title, p.Error = m.value(p.ID, p.Title), m.text(p.ID, p.Error, maxBlock)
	words := []string{p.ID, p.URL}
	if p.Title != "" {
		words = append(words, p.Title)
	}
	switch {
	case p.Silent:
		words = append(words, "(does not answer)")
	case !p.Visible:
		words = append(words, "(in the background)")
	}
	if p.User != "" {
		words = append(words, "user "+p.User)
	}
	if p.Browser != "" {
		words = append(words, p.Browser)
	}
	text := strings.Join(words, " ")
	for i := range p.Handles {
		h := &p.Handles[i]
		h.Event, h.Description = m.name(p.ID, h.Event), m.value(p.ID, h.Description)
		text += "\n  answers " + strings.TrimSpace(h.Event+" "+h.Description)
	}
	if p.Error != "" {
		text += "\n  error: " + p.Error
	}
	return text
}

// isBrowser reports whether a text is like "Chrome 148 on Linux": a browser tells what it is, and may tell anything.
func isBrowser(text string) bool {
	words := strings.Fields(text)
	for i, word := range words {
		_, err := strconv.Atoi(word)
		if i == 1 && err != nil || i != 1 && strings.ContainsFunc(word, notInNames) || len(word) > 10 {
			return false
		}
	}
	return len(words) == 2 || len(words) == 4 && words[2] == "on"
}

// ofProject lists the kinds of errors whose texts come from the project's own files and tools.
var ofProject = []string{"compile", "config", "plugins"}

// errors marks errors and writes them, each indented. Those that were told before are marked only.
func (m Marks) errors(w *writer, list []steer.Error, indent string, told ...steer.Error) {
	for i := range list {
		e := &list[i]
		if slices.Contains(ofProject, e.Kind) && !e.Claimed {
			for _, text := range []*string{&e.Text, &e.Stack, &e.Frame, &e.Hint} {
				*text = bounded(clean(*text), maxBlock)
			}
			e.Plugin = clean(e.Plugin)
		} else {
			page := ""
			if len(e.Pages) > 0 {
				page = e.Pages[0]
			}
			for _, text := range []*string{&e.Text, &e.Stack, &e.Frame, &e.Hint} {
				*text = m.text(page, *text, maxBlock)
			}
			e.File, e.Module, e.Plugin = m.name(page, e.File), m.name(page, e.Module), m.name(page, e.Plugin)
		}
		if slices.ContainsFunc(told, func(t steer.Error) bool {
			return t.Kind == e.Kind && t.Text == e.Text && t.File == e.File && t.Line == e.Line
		}) {
			continue
		}
		what := e.Kind + " error"
		if e.Kind == "rejection" {
			what = "unhandled rejection"
		}
		if e.File != "" {
			what += " in " + place(e.File, e.Line, e.Column)
		}
		if len(e.Pages) > 0 {
			what += " (page " + strings.Join(e.Pages, ", ") + ")"
		}
		text := what + ": " + e.Text
		for _, more := range []string{e.Frame, e.Hint, e.Stack} {
			if more != "" {
				text += "\n" + more
			}
		}
		w.line("%s%s", indent, strings.ReplaceAll(text, "\n", "\n"+indent))
	}
}

func place(file string, line, column int) string {
	switch {
	case line == 0:
		return file
	case column == 0:
		return fmt.Sprintf("%s:%d", file, line)
	}
	return fmt.Sprintf("%s:%d:%d", file, line, column)
}

// edit returns an edit in words.
func edit(e journal.Edit) string {
	var files []string
	for _, f := range e.Files {
		files = append(files, f.Path)
	}
	return changed(files, e.Modules, e.Broken, e.Why, time.Duration(e.Took*float64(time.Millisecond)))
}

func changed(files, modules, broken []string, why string, took time.Duration) string {
	text := clean(few(files))
	switch {
	case len(broken) > 0:
		text += ", does not compile: " + clean(few(broken))
	case why == journal.Same:
		text += ", compiles to the same code as before"
	case why == journal.Unused:
		text += ", is imported by no module"
	case why != "":
		text += ", led to: " + clean(why)
	case len(modules) > 0:
		text += ", modules: " + clean(few(modules))
	default:
		text += ", concerns no module that a page has"
	}
	if took > 0 {
		text += fmt.Sprintf(" (%s)", took.Round(100*time.Microsecond))
	}
	return text
}

// few joins a list, and counts what is too much to read.
func few(list []string) string {
	if len(list) > 8 {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:8], ", "), len(list)-8)
	}
	return strings.Join(list, ", ")
}

func (m Marks) errorList(v *steer.Errors) string {
	var w writer
	if len(v.Errors) == 0 {
		w.line("No errors.")
	}
	m.errors(&w, v.Errors, "")
	w.line("Cursor %d.", v.Cursor)
	return w.text()
}

func (m Marks) logs(v *steer.Logs) string {
	var w writer
	m.left(&w, v.Left, v.Lost)
	for i := range v.Lines {
		l := &v.Lines[i]
		l.Text, l.At = m.text(l.Page, l.Text, maxBlock), m.name(l.Page, l.At)
		times := ""
		if l.Count > 1 {
			times = fmt.Sprintf(" (%d times)", l.Count)
		}
		w.line("%s", strings.Join(strings.Fields(clock(l.Time)+" "+m.who(l.Page)+" "+l.Level+" "+l.At), " ")+" "+l.Text+times)
	}
	if len(v.Lines) == 0 {
		w.line("No lines. %s", v.Why)
	}
	w.line("Cursor %d.", v.Cursor)
	return w.text()
}

// who returns the page for lines whose mark does not name it.
func (m Marks) who(page string) string {
	if m.Off {
		return page
	}
	return ""
}

func (m Marks) left(w *writer, left int, lost bool) {
	if lost {
		w.line("Some are lost: the log keeps a bounded number.")
	}
	if left > 0 {
		w.line("%d older left out; limit has more.", left)
	}
}

func clock(t time.Time) string { return t.Local().Format("15:04:05.000") }

// verdicts say what a result of wait_for_update means.
var verdicts = map[string]string{
	"error":     "error: the app is broken; fix the errors below",
	"failed":    "failed: the new code threw, so the page still runs the old code",
	"reloading": "reloading: the page has not come back in time; wait again",
	"reloaded":  "reloaded: the page runs the new code, its state is gone",
	"updated":   "updated: the page runs the new code and keeps its state",
	"nothing":   "nothing: no open page runs what was changed, or it runs the same code already",
	"silent":    "silent: a page did not answer, so nobody knows; it may be frozen",
	"compiled":  "compiled: the code is fine, but no page is open to run it",
	"none":      "none: there was no edit",
}

func (m Marks) update(v *steer.Update) string {
	var w writer
	w.line("%s", cmp.Or(verdicts[v.Result], v.Result))
	if v.Why != "" {
		w.line("%s", clean(v.Why))
	}
	times := 1
	for i, e := range v.Edits {
		if i+1 < len(v.Edits) && isAgain(e, v.Edits[i+1]) {
			times++
			continue
		}
		text := changed(e.Files, e.Modules, e.Broken, e.Why, time.Duration(e.Took*float64(time.Millisecond)))
		if times > 1 {
			text += fmt.Sprintf(", the last of %d alike", times)
		}
		w.line("edit %s, %s ago", text, time.Duration(e.Ago)*time.Millisecond)
		times = 1
	}
	var told []steer.Error
	for i := range v.Pages {
		p := &v.Pages[i]
		p.URL, p.Was, p.Reason = m.name(p.Page, p.URL), m.name(p.Page, p.Was), m.text(p.Page, p.Reason, maxBlock)
		m.names(p.Page, p.Modules)
		m.names(p.Page, p.Chain)
		text := fmt.Sprintf("page %s %s: %s", p.Page, p.URL, p.Result)
		if p.Was != "" {
			text += " (was " + p.Was + ")"
		}
		if len(p.Modules) > 0 {
			text += ", by " + few(p.Modules)
		}
		if p.Reason != "" {
			text += ", " + p.Reason
		}
		w.line("%s", text)
		if len(p.Chain) > 0 {
			w.line("  chain: %s", strings.Join(p.Chain, " → "))
		}
		for i := range p.Console {
			l := &p.Console[i]
			l.Text, l.At = m.text(p.Page, l.Text, maxBlock), m.name(p.Page, l.At)
			w.line("  console %s", strings.Join(strings.Fields(l.Level+" "+l.At), " ")+": "+l.Text)
		}
		m.errors(&w, p.Errors, "  ", told...)
		told = append(told, p.Errors...)
	}
	m.errors(&w, v.Errors, "", told...)
	w.line("Cursor %d.", v.Cursor)
	return w.text()
}

// isAgain reports whether two edits tell the same in words.
func isAgain(a, b steer.EditSummary) bool {
	return slices.Equal(a.Files, b.Files) && slices.Equal(a.Modules, b.Modules) && slices.Equal(a.Broken, b.Broken) && a.Why == b.Why
}

func (m Marks) snapshot(v *steer.Snapshot) string {
	var w writer
	w.line("page %s %s %s", v.Page, m.name(v.Page, v.URL), m.value(v.Page, v.Title))
	switch {
	case v.Unchanged:
		w.line("Nothing changed since the earlier snapshot. This one is %s.", m.name(v.Page, v.ID))
		return w.text()
	case v.Whole:
		w.line("The earlier snapshot is not known any more: this one is whole.")
	}
	w.line("Snapshot %s:", m.name(v.Page, v.ID))
	w.line("%s", m.text(v.Page, v.Text, maxWhole))
	if v.Left > 0 {
		w.line("%d elements left out: choose a part with selector, or a larger max.", v.Left)
	}
	return w.text()
}

func (m Marks) inspected(v *steer.Inspected) string {
	var w, in writer
	in.line("%s", strings.TrimSpace(fmt.Sprintf("%s %s \"%s\"", v.Ref, v.Role, v.Name)))
	in.line("%s", v.HTML)
	for _, name := range slices.Sorted(maps.Keys(v.Styles)) {
		in.line("%s: %s", name, v.Styles[name])
	}
	if v.Component != "" {
		in.line("component %s", strings.Join(append([]string{v.Component}, v.Owners...), " in "))
	}
	if len(v.Props) > 0 {
		in.line("props %s", v.Props)
	}
	if v.Source != "" {
		in.line("source %s", v.Source)
	}
	w.line("page %s, box x=%g y=%g width=%g height=%g, %s", v.Page, v.Box[0], v.Box[1], v.Box[2], v.Box[3],
		map[bool]string{true: "visible", false: "not visible"}[v.Visible])
	if v.Hidden != "" {
		in.line("hidden: %s", v.Hidden)
	}
	w.line("%s", m.text(v.Page, in.text(), maxWhole))
	return w.text()
}

// maxCode bounds the compiled code in an answer.
const maxCode = 60_000

func (m Marks) module(v *steer.Module) string {
	var w writer
	w.line("%s, file %s, %d bytes, revision %s", clean(v.ID), clean(cmp.Or(v.File, "none")), v.Size, clean(v.Rev))
	imports := slices.Clone(v.Imports)
	for i, id := range imports {
		if line := v.Lines[id]; line > 0 {
			imports[i] += fmt.Sprintf(" (line %d)", line)
		}
	}
	for _, part := range []struct {
		name string
		list []string
	}{
		{"imported by", v.Importers}, {"imports", imports}, {"imports that lead nowhere", v.Unresolved},
		{"also made from", v.Inputs}, {"plugins", v.Plugins},
	} {
		if len(part.list) > 0 {
			w.line("%s: %s", part.name, clean(strings.Join(part.list, ", ")))
		}
	}
	if v.Error != nil {
		list := []steer.Error{*v.Error}
		m.errors(&w, list, "")
		v.Error = &list[0]
	}
	for i := range v.Accepts {
		w.line("%s", m.accepts(&v.Accepts[i]))
	}
	if r := v.Reload; r != nil {
		marked := *r
		marked.Reason, marked.Chain = m.text(r.Page, r.Reason, maxBlock), slices.Clone(r.Chain)
		m.names(r.Page, marked.Chain)
		m.names(r.Page, marked.Paths)
		v.Reload = &marked
		w.line("last reload: page %s, %s", marked.Page, marked.Reason)
		if len(marked.Chain) > 0 {
			w.line("  chain: %s", strings.Join(marked.Chain, " → "))
		}
	}
	if v.Code != "" {
		v.Code = bounded(clean(v.Code), maxCode)
		w.line("compiled code:\n%s", v.Code)
	}
	return w.text()
}

func (m Marks) accepts(a *steer.Accepts) string {
	m.names(a.Page, a.Deps)
	m.names(a.Page, a.Exports)
	m.names(a.Page, a.Boundaries)
	m.names(a.Page, a.Chain)
	a.Reload = m.text(a.Page, a.Reload, maxBlock)
	switch {
	case !a.Runs:
		return fmt.Sprintf("page %s does not run it", a.Page)
	case a.Reload != "":
		text := fmt.Sprintf("page %s would reload for it: %s", a.Page, a.Reload)
		if len(a.Chain) > 0 {
			text += "\n  chain: " + strings.Join(a.Chain, " → ")
		}
		return text
	case a.Self:
		return fmt.Sprintf("page %s: it accepts its own updates", a.Page)
	}
	return fmt.Sprintf("page %s: updates are taken by %s", a.Page, few(a.Boundaries))
}

func (m Marks) acted(v *steer.Acted) string {
	var w writer
	w.line("page %s: %s, now at %s", v.Page, m.value(v.Page, v.Text), m.name(v.Page, v.URL))
	m.errors(&w, v.Errors, "")
	return w.text()
}

func (m Marks) events(v *steer.Events) string {
	var w writer
	m.left(&w, v.Left, v.Lost)
	for i := range v.Events {
		w.line("%s", m.event(&v.Events[i]))
	}
	if len(v.Events) == 0 {
		w.line("No events.")
	}
	for i := range v.Known {
		v.Known[i] = m.name("", v.Known[i])
	}
	if len(v.Known) > 0 {
		w.line("Handled on the server: %s.", strings.Join(v.Known, ", "))
	}
	w.line("Cursor %d.", v.Cursor)
	return w.text()
}

// event marks an event and returns its line.
func (m Marks) event(e *steer.PassedEvent) string {
	e.Name = m.name(e.Page, e.Name)
	direction := "to"
	if e.FromPage {
		direction = "from"
	}
	text := fmt.Sprintf("%s %s %s %s %s", clock(e.Time), direction, e.Page, e.Type, e.Name)
	data := m.data(e.Page, e.Data)
	e.Data = asJSON(data)
	if e.Error != nil {
		marked := *e.Error
		marked.Code, marked.Message, marked.Path = m.name(e.Page, marked.Code), m.text(e.Page, marked.Message, maxBlock), m.name(e.Page, marked.Path)
		e.Error = &marked
		return fmt.Sprintf("%s error %s %s", text, marked.Code, marked.Message)
	}
	if data == "" && e.Size > 0 {
		data = fmt.Sprintf("(%d bytes, too long to be kept)", e.Size)
	}
	return strings.TrimSpace(text + " " + data)
}

// maxData bounds a payload in an answer.
const maxData = 8000

// data marks a payload of JSON.
func (m Marks) data(page string, data json.RawMessage) string {
	return m.text(page, string(data), maxData)
}

// asJSON returns a marked payload as a JSON string, nil for none.
func asJSON(text string) json.RawMessage {
	if text == "" {
		return nil
	}
	return json.RawMessage(quote(text))
}

func (m Marks) called(v *steer.Called) string {
	var w writer
	page := v.Page
	if v.To == "server" {
		page = fromServer
	}
	switch answer := m.data(page, v.Answer); {
	case answer != "":
		w.line("answer of the %s: %s", clean(v.To), answer)
	case v.Page != "" && v.To != "server":
		w.line("sent to page %s (%s); no answer", v.Page, clean(v.To))
	default:
		w.line("sent to the %s; no answer", clean(v.To))
	}
	if v.Awaited != nil {
		w.line("awaited: %s", m.event(v.Awaited))
	}
	return w.text()
}

func (m Marks) paused(v *steer.Paused) string {
	if v.Paused {
		return fmt.Sprintf("Updates are paused until %s; resume ends it earlier. Cursor %d.", v.Until.Local().Format(time.TimeOnly), v.Cursor)
	}
	return fmt.Sprintf("Updates are not paused. Cursor %d, for wait_for_update.", v.Cursor)
}

func (m Marks) evaluated(v *steer.Evaluated) string {
	if v.Error != "" {
		return fmt.Sprintf("page %s: the expression failed: %s", v.Page, m.text(v.Page, v.Error, maxBlock))
	}
	value := m.text(v.Page, cmp.Or(string(v.Value), v.Text), maxWhole)
	return fmt.Sprintf("page %s: %s", v.Page, cmp.Or(value, "undefined"))
}
