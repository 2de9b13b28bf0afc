package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/seed-b8174343/devserver/config"
	configfile "github.com/seed-b8174343/devserver/internal/config"
)

// invocation is the parsed command line of dev.
type invocation struct {
	root       string
	configFile string
	options    config.Config // those of the flags, which win over the file
	force      bool
	noPlugins  bool
	help       bool
	version    bool
	ready      string // hidden: the file that gets the URLs once the server listens
	cpuprofile string // hidden
}

// spellings maps kebab case to Vite's names.
var spellings = map[string]string{"strict-port": "strictPort", "log-level": "logLevel", "clear-screen": "clearScreen"}

// parse parses the command line of dev.
func parse(args []string) (*invocation, error) {
	in := &invocation{}
	var host, open, base, mode, logLevel string
	var port int
	var strictPort, cors, clearScreen, poll, https, noViteConfig bool

	set := pflag.NewFlagSet("devserver", pflag.ContinueOnError)
	set.SortFlags = false
	set.Usage = func() {}
	set.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if camel, ok := spellings[name]; ok {
			name = camel
		}
		return pflag.NormalizedName(name)
	})
	set.StringVar(&host, "host", "", "")
	set.Lookup("host").NoOptDefVal = "0.0.0.0"
	set.IntVar(&port, "port", 0, "")
	set.BoolVar(&strictPort, "strictPort", false, "")
	set.StringVar(&open, "open", "", "")
	set.Lookup("open").NoOptDefVal = "/"
	set.StringVar(&base, "base", "", "")
	set.StringVarP(&mode, "mode", "m", "", "")
	set.StringVarP(&in.configFile, "config", "c", "", "")
	set.BoolVar(&cors, "cors", false, "")
	set.BoolVar(&in.force, "force", false, "")
	set.StringVarP(&logLevel, "logLevel", "l", "", "")
	set.BoolVar(&clearScreen, "clearScreen", true, "")
	set.BoolVar(&poll, "poll", false, "")
	set.BoolVar(&in.noPlugins, "no-plugins", false, "")
	set.BoolVar(&noViteConfig, "no-vite-config", false, "")
	set.BoolVar(&https, "https", false, "")
	set.StringVar(&in.ready, "ready", "", "")
	set.StringVar(&in.cpuprofile, "cpuprofile", "", "")
	set.BoolVarP(&in.help, "help", "h", false, "")
	set.BoolVarP(&in.version, "version", "v", false, "")

	if err := set.Parse(normalize(args, set)); err != nil {
		return nil, explain(err, set)
	}
	switch rest := set.Args(); len(rest) {
	case 0:
	case 1:
		in.root = rest[0]
	default:
		return nil, fmt.Errorf("give at most one project folder, not %d: %s", len(rest), strings.Join(rest, " "))
	}
	if levels := []string{"debug", "info", "warn", "error", "silent"}; set.Changed("logLevel") && !slices.Contains(levels, logLevel) {
		return nil, fmt.Errorf("--logLevel must be one of %s, not %q", strings.Join(levels, ", "), logLevel)
	}
	if port < 0 || port > 65535 {
		return nil, fmt.Errorf("--port must be from 0 to 65535, not %d", port)
	}
	in.options = config.Config{
		Base: base, Mode: mode, LogLevel: logLevel, ClearScreen: given(set, "clearScreen", clearScreen),
		Server: config.Server{
			Host: hostValue(host), Port: given(set, "port", port), Open: given(set, "open", open),
			StrictPort: given(set, "strictPort", strictPort),
			Watch:      config.Watch{UsePolling: given(set, "poll", poll)},
		},
	}
	if noViteConfig {
		in.options.ViteConfig = new(false)
	}
	if set.Changed("https") {
		in.options.Server.HTTPS = &config.HTTPS{Off: !https}
	}
	switch {
	case cors:
		in.options.Server.CORS.Origins = []string{"*"}
	case set.Changed("cors"):
		in.options.Server.CORS.Origins = []string{}
	}
	return in, nil
}

// given returns nil for a flag that is not on the command line, so that the configuration file's value stays.
func given[T any](set *pflag.FlagSet, name string, value T) *T {
	if !set.Changed(name) {
		return nil
	}
	return &value
}

// hostValue reads `--host=true` and `--host=false` as the configuration file does.
func hostValue(host string) string {
	switch host {
	case "true":
		return "0.0.0.0"
	case "false":
		return "localhost"
	}
	return host
}

// normalize brings common spellings into pflag's form: -port for --port, and --no-cors for --cors=false. It also joins
// --host and --open with their optional values, which pflag takes only after "=".
func normalize(args []string, set *pflag.FlagSet) []string {
	var out []string
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			return append(out, args[i:]...)
		}
		name, _, hasValue := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		if len(arg) > 2 && arg[0] == '-' && arg[1] != '-' && set.Lookup(name) != nil {
			arg = "-" + arg
		}
		if on, negated := strings.CutPrefix(name, "no-"); negated && strings.HasPrefix(arg, "--") && set.Lookup(name) == nil {
			if f := set.Lookup(on); f != nil && f.Value.Type() == "bool" {
				arg = "--" + on + "=false"
			}
		}
		if !hasValue && i+1 < len(args) && (arg == "--host" && isHost(args[i+1]) || arg == "--open" && isPath(args[i+1])) {
			i++
			arg += "=" + args[i]
		}
		out = append(out, arg)
	}
	return out
}

// isHost reports whether the argument after --host is its value, and not the project's folder.
func isHost(arg string) bool {
	if _, err := netip.ParseAddr(strings.Trim(arg, "[]")); err == nil {
		return true
	}
	if arg == "localhost" || arg == "true" || arg == "false" {
		return true
	}
	return strings.Contains(arg, ".") && !strings.ContainsAny(arg, `/\`) && !strings.HasPrefix(arg, ".") && !isFolder(arg)
}

// isPath reports whether the argument after --open is its value, and not the project's folder.
func isPath(arg string) bool {
	switch {
	case strings.HasPrefix(arg, "http://"), strings.HasPrefix(arg, "https://"):
		return true
	case strings.HasPrefix(arg, "/"), strings.HasSuffix(arg, ".html"), strings.Contains(arg, "?"):
		return !isFolder(arg)
	}
	return false
}

func isFolder(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// explain returns pflag's error, for an unknown flag with a suggestion.
func explain(err error, set *pflag.FlagSet) error {
	unknown, ok := errors.AsType[*pflag.NotExistError](err)
	if !ok {
		return err
	}
	name := unknown.GetSpecifiedName()
	var known []string
	set.VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
	if meant := configfile.Nearest(name, known); meant != "" && len(name) > 1 {
		return fmt.Errorf("unknown flag --%s (did you mean --%s?)", name, meant)
	}
	return err
}
