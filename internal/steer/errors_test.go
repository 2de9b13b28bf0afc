package steer

import (
	"testing"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/journal"
	"github.com/seed-b8174343/devserver/internal/pluginhost"
	"github.com/seed-b8174343/devserver/internal/problems"
)

// TestErrorsThatPagesShow has errors of the project that a page shows: they keep their kinds, so that an answer tells
// them once.
func TestErrorsThatPagesShow(t *testing.T) {
	t.Parallel()
	c := &Core{o: Options{Project: func() Project { return Project{Problems: &problems.Set{}} }}}
	loc := &hmr.Loc{File: "devserver/main.go", Line: 3, Column: 1}
	plugins := hmr.ErrorInfo{Message: "undefined: x", ID: "devserver/main.go", Plugin: pluginhost.Folder, Loc: loc}
	config := hmr.ErrorInfo{Message: "unknown option", ID: "/" + problems.ConfigID, Loc: &hmr.Loc{File: "devserver.config.json", Line: 1}}
	list := c.errorsOf("c1", pageAnswer{Errors: []hmr.ErrorInfo{plugins, plugins, config}}, 0)
	if len(list) != 2 || list[0].Kind != "plugins" || list[0].Line != 3 || list[1].Kind != "config" || len(list[0].Pages) != 1 {
		t.Errorf("got %+v, want one error of the plugins and one of the configuration", list)
	}
}

// TestErrorOfPlugins has plugins that do not start: that is an error of the project until others run.
func TestErrorOfPlugins(t *testing.T) {
	t.Parallel()
	log := journal.New()
	c := &Core{o: Options{Journal: log}}
	p := Project{Problems: &problems.Set{}}
	for _, step := range []struct {
		record journal.Record
		want   int
	}{
		{journal.Record{Kind: journal.KindPlugins, Plugins: &journal.Plugins{Names: []string{"a"}}}, 0},
		{journal.Record{Kind: journal.KindPlugins, Plugins: &journal.Plugins{Error: "panic at start"}}, 1},
		{journal.Record{Kind: journal.KindEdit, Edit: &journal.Edit{Why: journal.PluginEdit}}, 1},
		{journal.Record{Kind: journal.KindPlugins, Plugins: &journal.Plugins{Names: []string{"a"}}}, 0},
		{journal.Record{Kind: journal.KindPlugins, Plugins: &journal.Plugins{Error: "panic at start"}}, 1},
		{journal.Record{Kind: journal.KindEdit, Edit: &journal.Edit{Why: journal.Restart}}, 0},
	} {
		log.Add(step.record)
		if list := c.projectErrors(p, 20); len(list) != step.want || step.want == 1 && list[0].Kind != "plugins" {
			t.Errorf("after %+v: got %+v, want %d errors", step.record, list, step.want)
		}
	}
}
