// Package config holds the options of a project's server. They have Vite's names.
//
// devserver.config.json is written with these options, and so is the Config of a program that embeds the server, see
// server.Options. The zero value of a field means "not given", and the field's comment says which default applies then.
// A program writes new(3000) or new(false) for an option whose zero value has a meaning. A Config must not be changed
// once a server has it.
package config

import (
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/seed-b8174343/devserver/internal/pattern"
)

// Config holds all options of one project's server.
type Config struct {
	// Schema is the address of the JSON Schema, for editors. It has no other effect.
	Schema string `json:"$schema"`
	// Root is the served folder, which holds index.html, relative to the configuration file. The configuration,
	// package.json and devserver/ stay in the project's folder: the current folder, or the one on the command line.
	// Default: root of vite.config, or else the project's folder.
	Root string `json:"root"`
	// Base is the URL path of the project. Default: "/".
	Base string `json:"base"`
	// Mode is the value of import.meta.env.MODE; it selects the .env.[mode] files. Default: "development".
	Mode string `json:"mode"`
	// AppType selects the answer to an unknown URL: "spa" sends index.html to navigations, "mpa" answers 404. With
	// "custom" the app's own server makes the pages, and no HTML files are served but those of publicDir.
	// Default: "spa".
	AppType string `json:"appType" enum:"spa,mpa,custom"`
	// PublicDir is the folder of files that are served unchanged at the base; false for none. Default: "public".
	PublicDir Dir `json:"publicDir"`
	// EnvDir is the folder of the .env files; false reads none. Default: the root.
	EnvDir Dir `json:"envDir"`
	// EnvPrefix lists the prefixes of variables that pages may see. Default: "VITE_".
	EnvPrefix Strings `json:"envPrefix"`
	// Define maps names to the expressions that they stand for, in modules and as global variables of pages and workers.
	// A string is an expression, as in Vite: write "\"text\"" for a text. Other values stand for themselves.
	// "import.meta.env.X" is also a variable of import.meta.env, and of %X% in HTML.
	Define Expressions `json:"define"`
	// AssetsInclude lists patterns of further files whose import returns a URL. `**/*.ext` matches in every folder, and
	// `*.ext` in the project's folder. A pattern that begins with "^" is a JavaScript regular expression for the path.
	AssetsInclude FilePatterns `json:"assetsInclude"`
	// LogLevel is the lowest level that the terminal shows. Default: "info".
	LogLevel string `json:"logLevel" enum:"debug,info,warn,error,silent"`
	// ClearScreen clears the terminal at start. Default: true.
	ClearScreen *bool `json:"clearScreen"`
	// ViteConfig reads vite.config.* and runs its plugins, if the project has one and Node is installed. This file wins
	// over its values. Default: true.
	ViteConfig *bool `json:"viteConfig"`
	// Plugins switches on plugins that come with devserver.
	Plugins Plugins `json:"plugins"`
	// Agents sets what tools may do in pages: `devserver page`, the panel, and agents over MCP.
	Agents Agents `json:"agents"`
	// Resolve sets how specifiers find their files.
	Resolve Resolve `json:"resolve"`
	// CSS sets how stylesheets are compiled.
	CSS CSS `json:"css"`
	// JSON sets what the modules of JSON files export.
	JSON JSON `json:"json"`
	// Esbuild sets how JSX is compiled. It wins over tsconfig.json.
	Esbuild Esbuild `json:"esbuild"`
	// Server sets the address, who may connect, and which files may be read.
	Server Server `json:"server"`
	// OptimizeDeps is accepted and ignored: devserver has no such step.
	OptimizeDeps Ignored `json:"optimizeDeps"`
}

// Plugins switches on plugins that come with devserver.
type Plugins struct {
	// Console shows the pages' console output in the terminal. Default: false.
	Console *bool `json:"console"`
	// Log writes events and console lines to a file. Nil does not.
	Log *LogPlugin `json:"log"`
}

// Agents sets what tools may do in pages. They may always look.
type Agents struct {
	// Act lets tools click, type, scroll and navigate in pages. Default: false.
	Act *bool `json:"act"`
	// Evaluate lets tools run JavaScript in pages. Default: false.
	Evaluate *bool `json:"evaluate"`
	// Users lets tools act and call handlers in pages of users who have signed in, too. Default: false.
	Users *bool `json:"users"`
}

// LogPlugin configures the event log. `true` in the file stands for its zero value.
type LogPlugin struct {
	// File is the path of the log file. Default: "devserver.log" in the project's cache folder.
	File string `json:"file"`
	// MaxSize is the size in bytes at which the log file is rotated. Default: 10 MiB.
	MaxSize int `json:"maxSize" min:"1024"`
	// Keep is the number of rotated files that are kept. Default: 3.
	Keep *int `json:"keep" min:"0"`
}

// Resolve sets how specifiers find their files.
type Resolve struct {
	// Alias replaces specifiers, in order: `{"@": "./src"}` or `[{"find": "@", "replacement": "./src"}]`.
	Alias Aliases `json:"alias"`
	// Conditions are additional conditions for package.json exports, besides module, browser and development.
	Conditions []string `json:"conditions"`
	// DefaultConditions set to false leaves out module, browser and development. Default: true.
	DefaultConditions *bool `json:"defaultConditions"`
	// Dedupe lists packages that always resolve to the root's copy.
	Dedupe []string `json:"dedupe"`
	// Extensions are tried in order for specifiers without an extension. Default: Vite's list.
	Extensions []string `json:"extensions"`
	// MainFields are the fields of package.json that name a package's entry. "main" follows them. Default: browser,
	// module, jsnext:main, jsnext, main.
	MainFields []string `json:"mainFields"`
	// PreserveSymlinks identifies a module by the path of a symbolic link, not by the link's target. Default: false.
	PreserveSymlinks *bool `json:"preserveSymlinks"`
}

// Alias is one replacement in specifiers. A relative path in Replacement is absolute once loaded.
type Alias struct {
	// Find is the specifier to replace, as a whole or before a slash. It is a JavaScript regular expression when it
	// begins with "^" or when flags are given.
	Find string `json:"find"`
	// Replacement replaces the specifier. A path that begins with "./" or "../" starts from the configuration file's
	// folder. $1 stands for a group of the expression.
	Replacement string `json:"replacement"`
	// Flags are the flags of the regular expression, such as "i"; "" makes an expression without flags. Nil leaves it
	// to Find.
	Flags *string `json:"flags"`
}

// Expression returns the regular expression that Find is, or nil when Find is a plain specifier.
func (a Alias) Expression() (*pattern.Pattern, error) {
	switch {
	case a.Flags != nil:
		return pattern.CompileFlags(a.Find, *a.Flags)
	case strings.HasPrefix(a.Find, "^"):
		return pattern.CompileFlags(a.Find, "")
	}
	return nil, nil
}

// CSS sets how stylesheets are compiled.
type CSS struct {
	// Modules sets the names of CSS Modules, which are files named *.module.css. With `false`, they are plain stylesheets.
	Modules CSSModules `json:"modules"`
	// PreprocessorOptions are passed unchanged to "scss", "sass", "less", "styl" and "stylus". additionalData is text before
	// each stylesheet of the language.
	PreprocessorOptions map[string]Raw `json:"preprocessorOptions"`
	// PostCSS is the folder or file of the PostCSS configuration, or the configuration itself. Default: searched in the
	// root and the folders above, up to the workspace's or package's folder.
	PostCSS Raw `json:"postcss"`
	// Transformer "lightningcss" leaves PostCSS out: stylesheets stay as written. Default: "postcss".
	Transformer string `json:"transformer" enum:"postcss,lightningcss"`
	// DevSourcemap is accepted and ignored: stylesheets always have a source map.
	DevSourcemap Ignored `json:"devSourcemap"`
	// PreprocessorMaxWorkers is accepted and ignored: all tools run in one process.
	PreprocessorMaxWorkers Ignored `json:"preprocessorMaxWorkers"`
}

// CSSModules sets how class names of CSS Modules are exported.
type CSSModules struct {
	// Off makes CSS Modules plain stylesheets. In the file it is written as `"modules": false`.
	Off bool `json:"-"`
	// LocalsConvention exports class names in camel case too, or only in camel case. Default: as written.
	LocalsConvention string `json:"localsConvention" enum:"camelCase,camelCaseOnly,dashes,dashesOnly"`
	// GenerateScopedName is a pattern such as `[name]__[local]___[hash:base64:5]`. It may have `[name]`, `[local]`,
	// `[path]`, `[folder]`, `[ext]`, and hashes like `[hash:base64:5]` or `[sha1:hash:hex:8]`, by md5, sha1, sha256,
	// sha384, sha512 or xxhash64. Default: the name and a
	// hash of the file's path, as in `_title_1a2b3c4`.
	GenerateScopedName string `json:"generateScopedName"`
	// HashPrefix is a text that goes into the hashes of names.
	HashPrefix string `json:"hashPrefix"`
	// ScopeBehaviour makes unmarked names local or global. Default: "local".
	ScopeBehaviour string `json:"scopeBehaviour" enum:"local,global"`
	// GlobalModulePaths are regular expressions. Unmarked names are global in files whose path matches.
	GlobalModulePaths []string `json:"globalModulePaths"`
	// ExportGlobals exports names that are marked `:global`, too. Default: false.
	ExportGlobals bool `json:"exportGlobals"`
	// Functions are the functions in vite.config. A program leaves them out.
	Functions ModuleFunctions `json:"-"`
}

// ModuleFunctions says which functions for CSS Modules are in vite.config, when that is read for a mode.
type ModuleFunctions struct {
	Mode string `json:"mode"`
	// Names is set for generateScopedName, Exports for localsConvention and getJSON.
	Names   bool `json:"names"`
	Exports bool `json:"exports"`
}

// JSON sets what the modules of JSON files export.
type JSON struct {
	// NamedExports exports the members of an object by name too. Default: true.
	NamedExports *bool `json:"namedExports"`
	// Stringify is accepted and ignored: large files are always parsed as text.
	Stringify Ignored `json:"stringify"`
}

// Esbuild sets how JSX is compiled. It wins over tsconfig.json.
type Esbuild struct {
	// JSX is the runtime: "automatic", "transform" (or "classic"), or "preserve". Default: found in tsconfig.json or
	// package.json.
	JSX string `json:"jsx" enum:"automatic,transform,classic,preserve"`
	// JSXImportSource is the package of the automatic runtime. Default: found in tsconfig.json or package.json.
	JSXImportSource string `json:"jsxImportSource"`
	// JSXFactory makes elements in the classic runtime. Default: "React.createElement".
	JSXFactory string `json:"jsxFactory"`
	// JSXFragment makes fragments in the classic runtime. Default: "React.Fragment".
	JSXFragment string `json:"jsxFragment"`
	// JSXDev adds source positions to elements. Default: true, except with React 19, which finds them itself.
	JSXDev *bool `json:"jsxDev"`
	// JSXInject is put before every module with JSX, for example `import React from "react"`.
	JSXInject string `json:"jsxInject"`
	// TSConfigRaw holds options that win over those of each tsconfig.json.
	TSConfigRaw TSConfigRaw `json:"tsconfigRaw"`
}

// TSConfigRaw is a tsconfig.json without a file.
type TSConfigRaw struct {
	// CompilerOptions are the options that change what a module compiles to, such as {"experimentalDecorators": true}.
	CompilerOptions map[string]Raw `json:"compilerOptions"`
}

// Server sets the address, who may connect, and which files may be read.
type Server struct {
	// Host is the address to listen on; true stands for all addresses ("0.0.0.0"). Default: this machine only.
	Host string `json:"host" or:"true=0.0.0.0,false="`
	// Port is the port to listen on; 0 for any free port. Default: 5173, or the next free port.
	Port *int `json:"port" min:"0" max:"65535"`
	// StrictPort exits with an error when the port is in use, instead of trying the next port. Default: false.
	StrictPort *bool `json:"strictPort"`
	// Open opens a browser at start; a text is the path to open. Nil does not, "" opens the base.
	Open *string `json:"open" or:"true=,false=nil"`
	// HTTPS serves with TLS; true creates a certificate on this machine. Nil serves plain HTTP.
	HTTPS *HTTPS `json:"https"`
	// Proxy forwards requests to backends. A key is a prefix of the path, or a regular expression that begins with "^".
	// Expressions match the path with its query, as the browser sent them.
	Proxy Proxy `json:"proxy"`
	// Headers are added to every response.
	Headers map[string]string `json:"headers"`
	// CORS lets pages of other origins read responses: true for any origin, or `{"origin": [...]}`. Origins that are
	// listed also open the socket. Default: no other origin.
	CORS CORS `json:"cors"`
	// AllowedHosts lists the host names that the server answers, besides localhost and IP addresses. A name that begins
	// with a dot includes all names below it.
	AllowedHosts []string `json:"allowedHosts"`
	// FS sets which files may be read.
	FS FS `json:"fs"`
	// Watch sets how edits are noticed.
	Watch Watch `json:"watch"`
	// HMR sets how pages connect and what they show. With `false`, edits neither update nor reload pages; events and
	// errors still reach them.
	HMR HMR `json:"hmr"`
	// Warmup is accepted and ignored: pages are compiled ahead anyway.
	Warmup Ignored `json:"warmup"`
}

// HTTPS names a certificate. With both fields empty, a certificate is created and kept in the cache folder.
type HTTPS struct {
	// Key is the private key in PEM form: its file, relative to the configuration file, or its text.
	Key string `json:"key"`
	// Cert is the certificate with its chain in PEM form: its file, relative to the configuration file, or its text.
	Cert string `json:"cert"`
	// Off serves plain HTTP, whatever the file says. In the file it is written as `"https": false`.
	Off bool `json:"-"`
}

// ProxyRule forwards the requests whose path it matches.
type ProxyRule struct {
	// Path is a prefix of the path, or a regular expression when it begins with "^". It is the rule's key in the file.
	Path string `json:"-"`
	// Target is the URL of the backend. A rule may be this text alone. A rule with `bypass` in vite.config needs none.
	Target string `json:"target"`
	// ChangeOrigin sends the target's host as Host header instead of the request's. Default: false, but true for a
	// rule that is only a text.
	ChangeOrigin bool `json:"changeOrigin"`
	// WS forwards WebSockets too. Default: false, but true when the target begins with ws: or wss:.
	WS bool `json:"ws"`
	// Secure, when false, accepts any certificate of the backend. Default: true.
	Secure *bool `json:"secure"`
	// Rewrite replaces the matches of regular expressions in the path with its query, in order: `{"^/api": ""}`.
	Rewrite Rewrites `json:"rewrite"`
	// Headers are set on the forwarded request.
	Headers map[string]string `json:"headers"`
	// CookieDomainRewrite replaces the domains of the backend's cookies: `{"api.example": "localhost"}`, or one text
	// for all domains; "" removes the domain.
	CookieDomainRewrite Replacements `json:"cookieDomainRewrite"`
	// CookiePathRewrite replaces the paths of the backend's cookies in the same way.
	CookiePathRewrite Replacements `json:"cookiePathRewrite"`
	// Functions are the rule's functions in vite.config. A program leaves them out.
	Functions ProxyFunctions `json:"-"`
	// RewriteFunc returns another path with query for the backend, before Rewrite. Only a program can set it. Nil
	// leaves the path unchanged.
	RewriteFunc func(path string) string `json:"-"`
	// BypassFunc returns the URL of the project that answers instead of the backend, "" for none. Only a program can
	// set it. Nil forwards every request.
	BypassFunc func(r *http.Request) (url string) `json:"-"`
	// RewriteWSOrigin sends the target's origin as the Origin header of WebSockets. Default: false.
	RewriteWSOrigin bool `json:"rewriteWsOrigin"`
}

// ProxyFunctions says which functions a proxy's rule has in vite.config, when that is read for a mode. Vite means that the
// rule has more than devserver follows, and Vite's own proxy serves it.
type ProxyFunctions struct {
	Mode    string `json:"mode"`
	Rewrite bool   `json:"rewrite"`
	Bypass  bool   `json:"bypass"`
	Vite    bool   `json:"vite"`
}

// Rewrite is one replacement in the path and query of a forwarded request.
type Rewrite struct {
	// Pattern is a regular expression; its matches are replaced.
	Pattern string
	// Replacement may use $1.
	Replacement string
}

// FS sets which files may be read. The paths of Allow are absolute once loaded.
type FS struct {
	// Allow lists folders outside the root that may be read, relative to the configuration file. A file that a module
	// imports from elsewhere needs no folder here.
	Allow []string `json:"allow"`
	// Deny lists additional patterns of files that are never served. The built-in patterns stay in force.
	Deny []string `json:"deny"`
	// Strict, when false, allows every folder; the denied files stay denied. Default: true.
	Strict *bool `json:"strict"`
}

// Watch sets how edits are noticed.
type Watch struct {
	// Ignored lists glob patterns of files whose edits are ignored, besides .git and node_modules.
	Ignored Strings `json:"ignored"`
	// UsePolling checks the files at intervals, for file systems that send no events. Default: false.
	UsePolling *bool `json:"usePolling"`
	// Interval is the time between two checks in milliseconds. Default: 100.
	Interval int `json:"interval" min:"1"`
}

// HMR sets how pages connect and what they show.
type HMR struct {
	// Off leaves pages as they are when files change. In the file it is written as `"hmr": false`.
	Off bool `json:"-"`
	// Overlay shows errors over the page. Default: true.
	Overlay *bool `json:"overlay"`
	// ShareTabs lets all tabs of a browser use one socket. Default: false.
	ShareTabs *bool `json:"shareTabs"`
	// Reload is what a page does when it cannot apply an update: "always" reloads, "ask" shows the reason with a
	// button. Default: "always".
	Reload string `json:"reload" enum:"always,ask"`
}

// BaseOrDefault returns the base with a slash at both ends.
func (c *Config) BaseOrDefault() string {
	if c.Base == "" {
		return "/"
	}
	return c.Base
}

// ModeOrDefault returns the mode, "development" when none is given.
func (c *Config) ModeOrDefault() string {
	if c.Mode == "" {
		return "development"
	}
	return c.Mode
}

// PublicPath returns the absolute path of the folder of public files, or "" for none. The folder need not exist.
func (c *Config) PublicPath(root string) string { return c.PublicDir.path(root, "public") }

// EnvPath returns the absolute path of the folder of .env files, or "" for none.
func (c *Config) EnvPath(root string) string { return c.EnvDir.path(root, ".") }

// EnvPrefixes returns the prefixes of the variables that pages may see.
func (c *Config) EnvPrefixes() []string {
	if len(c.EnvPrefix) == 0 {
		return []string{"VITE_"}
	}
	return c.EnvPrefix
}

// ClearScreenOrDefault reports whether the terminal may be cleared.
func (c *Config) ClearScreenOrDefault() bool { return orTrue(c.ClearScreen) }

// ReadsViteConfig reports whether the project's vite.config.* is to be read.
func (c *Config) ReadsViteConfig() bool { return orTrue(c.ViteConfig) }

// PollInterval returns the time between two checks of a polling watcher.
func (c *Config) PollInterval() time.Duration {
	if c.Server.Watch.Interval == 0 {
		return 100 * time.Millisecond
	}
	return time.Duration(c.Server.Watch.Interval) * time.Millisecond
}

// NamedExportsOrDefault reports whether members of JSON objects are exported by name.
func (j JSON) NamedExportsOrDefault() bool { return orTrue(j.NamedExports) }

// PortOrDefault returns the port to try first.
func (s Server) PortOrDefault() int {
	if s.Port == nil {
		return 5173
	}
	return *s.Port
}

// Exposed reports whether other machines can reach the server.
func (s Server) Exposed() bool {
	if s.Host == "" || s.Host == "localhost" {
		return false
	}
	ip := net.ParseIP(s.Host)
	return ip == nil || !ip.IsLoopback()
}

// CORSOrigins returns the origins whose pages may read responses; "*" stands for any.
func (s Server) CORSOrigins() []string { return s.CORS.Origins }

// OverlayOrDefault reports whether errors are shown over the page.
func (h HMR) OverlayOrDefault() bool { return orTrue(h.Overlay) }

// SecureOrDefault reports whether the backend's certificate is checked.
func (r ProxyRule) SecureOrDefault() bool { return orTrue(r.Secure) }

// KeepOrDefault returns the number of rotated files that are kept.
func (l LogPlugin) KeepOrDefault() int {
	if l.Keep == nil {
		return 3
	}
	return *l.Keep
}

// MaxSizeOrDefault returns the size at which the log is rotated, in bytes.
func (l LogPlugin) MaxSizeOrDefault() int64 {
	if l.MaxSize == 0 {
		return 10 << 20
	}
	return int64(l.MaxSize)
}

func orTrue(b *bool) bool { return b == nil || *b }

// IsOn reports whether an option is given and true, for options whose default is false.
func IsOn(b *bool) bool { return b != nil && *b }

// Dir is a folder that can be switched off with false. The zero value is the default folder.
type Dir struct {
	// Path is relative to the root, or absolute; "" is the default.
	Path string
	// Off is set by false.
	Off bool
}

func (d Dir) path(root, byDefault string) string {
	switch {
	case d.Off:
		return ""
	case d.Path == "":
		return filepath.Join(root, byDefault)
	case filepath.IsAbs(d.Path):
		return filepath.Clean(d.Path)
	default:
		return filepath.Join(root, filepath.FromSlash(d.Path))
	}
}
