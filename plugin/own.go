package plugin

import "fmt"

// own is the server of one plugin: the Server that hooks get. What the plugin does by it has the plugin's name.
type own struct {
	Server
	runner *Runner
	plugin string
}

// serverOf returns the server of a plugin.
func (r *Runner) serverOf(plugin string) Server {
	if r.server == nil {
		return nil // of a Runner that only describes its plugins
	}
	return &own{r.server, r, plugin}
}

func (s *own) ShowError(key string, e Error) error {
	e.Plugin = s.plugin
	return s.Server.ShowError(s.plugin+"/"+key, e)
}

func (s *own) ClearError(key string) error { return s.Server.ClearError(s.plugin + "/" + key) }

func (s *own) ReloadPages(path, reason string) error {
	return s.Server.ReloadPages(path, s.because(reason))
}

func (s *own) ReloadPage(c Client, reason string) error {
	return s.Server.ReloadPage(c, s.because(reason))
}

func (s *own) Restart(reason string) error { return s.Server.Restart(s.because(reason)) }

func (s *own) because(reason string) string {
	if reason == "" {
		return "plugin " + s.plugin + " asked for it"
	}
	return fmt.Sprintf("%s, by plugin %s", reason, s.plugin)
}

func (s *own) Handle(e Event) (remove func(), err error) { return s.runner.handle(s.plugin, e) }
