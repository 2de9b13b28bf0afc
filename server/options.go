package server

import (
	"log/slog"
	"net/http"

	"github.com/seed-b8174343/devserver/config"
	"github.com/seed-b8174343/devserver/plugin"
)

// Options configures a Server. The zero value serves the current directory on 127.0.0.1:5173 with no plugins and no
// log.
type Options struct {
	// Root is the project's folder; "" is the current folder. The `root` of its configuration may name another folder to
	// be served.
	Root string
	// Config holds options that win over the project's devserver.config.json and vite.config, such as the port. Options
	// that it leaves out are theirs. Relative paths start from the project's folder. With ViteConfig new(false) the
	// project's vite.config is not read.
	Config config.Config
	// ConfigFile is the path of the configuration file, which must exist; "" is devserver.config.json in Root, if there
	// is one.
	ConfigFile string
	// NoConfigFile reads no configuration file.
	NoConfigFile bool
	// Plugins run in process, before the plugins of the project's devserver/ folder.
	Plugins []plugin.Plugin
	// NoPlugins leaves the project's devserver/ folder alone.
	NoPlugins bool
	// Force drops cached results of earlier runs.
	Force bool
	// Logger gets the user's story (Info), problems (Warn, Error), detail (Debug), and what plugins print. Nil discards.
	Logger *slog.Logger
	// Identify returns the user of a page, by the cookies of a request for example; "" is a guest. It is called when the
	// page's socket opens, and again when the page may have signed in or out: an answer of a plugin's route or through a
	// proxy, or a script, has changed a cookie, the page came to the front, or it calls reidentify() of devserver/client.
	// When Identify returns "", the plugins are asked, see [plugin.Plugin]. An error refuses the page. Identify is called
	// concurrently.
	Identify func(*http.Request) (user string, err error)
	// CacheDir overrides where builds and results are kept; "" is a folder of this project in the user's cache directory.
	CacheDir string
}
