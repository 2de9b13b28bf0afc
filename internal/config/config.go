// Package config reads devserver.config.json and lays the command line over it.
//
// The file is JSON with comments and trailing commas. Its options carry the names that Vite gives them. A name or a
// value that is not understood is an error with its line and column, never silently ignored. Every option may be
// absent: the zero value of a field means "not given", and what that stands for is told at the field.
//
// Load reads, Merge lays flags over what was read, WithVite puts the values of a vite.config beneath it, and Reload
// does all of that again after the file has changed. A Config must not be changed once a server has it.
package config

import (
	"net"
	"path/filepath"
	"strings"
	"time"

	"github.com/seed-b8174343/devserver/internal/pattern"
)

// FileName is the name of the configuration file in the project's folder.
const FileName = "devserver.config.json"

// Config is what a project asks of its server.
type Config struct {
	// Schema is the address of the JSON Schema, for editors. It has no other effect.
	Schema string `json:"$schema"`
	// Root is the folder that is served, the one that holds index.html, relative to the configuration file. Default: what
	// vite.config says, or else the project's folder, which is the current one or the one that the command line names.
	// The configuration, package.json and devserver/ stay in that one.
	Root string `json:"root"`
	// Base is the path that the project is served below. Default: "/".
	Base string `json:"base"`
	// Mode is import.meta.env.MODE and chooses the .env.[mode] files. Default: "development".
	Mode string `json:"mode"`
	// AppType tells what an unknown URL is answered with: "spa" sends index.html to navigations, "mpa" answers 404.
	// Default: "spa".
	AppType string `json:"appType" enum:"spa,mpa"`
	// PublicDir is the folder whose files are served as they are at the base, or false for none. Default: "public".
	PublicDir Dir `json:"publicDir"`
	// EnvDir is the folder of the .env files, or false to read none. Default: the root.
	EnvDir Dir `json:"envDir"`
	// EnvPrefix lists the beginnings of the names of variables that pages may see. Default: "VITE_".
	EnvPrefix Strings `json:"envPrefix"`
	// Define maps names to the expressions that are put in their place. A string is an expression, as in Vite: write
	// "\"text\"" for a text. Other values stand for themselves.
	Define Expressions `json:"define"`
	// LogLevel is the least important kind of line that the terminal shows. Default: "info".
	LogLevel string `json:"logLevel" enum:"debug,info,warn,error,silent"`
	// ClearScreen lets the server clear the terminal when it starts. Default: true.
	ClearScreen *bool `json:"clearScreen"`
	// ViteConfig reads vite.config.* beneath this file where the project has one and Node is installed. Default: true.
	ViteConfig *bool `json:"viteConfig"`
	// Plugins switches the plugins on that come with devserver.
	Plugins Plugins `json:"plugins"`
	// Resolve tells how specifiers find their files.
	Resolve Resolve `json:"resolve"`
	// CSS tells how stylesheets are compiled.
	CSS CSS `json:"css"`
	// JSON tells what modules made of JSON files export.
	JSON JSON `json:"json"`
	// Esbuild tells how JSX is compiled. It wins over what tsconfig.json says.
	Esbuild Esbuild `json:"esbuild"`
	// Server holds the address, who may ask, and what may be read.
	Server Server `json:"server"`
	// OptimizeDeps is taken and ignored: there is no such step.
	OptimizeDeps Ignored `json:"optimizeDeps"`

	// Path is the file that was read; "" when there is none.
	Path string `json:"-"`

	from   source
	rootOf string // the file that Root is from, as messages name it
	err    error  // see Broken
}

// Plugins switches the plugins on that come with devserver.
type Plugins struct {
	// Console shows what pages write to their consoles in the terminal. Default: false.
	Console bool `json:"console"`
	// Log writes events and console lines to a file. Nil does not.
	Log *LogPlugin `json:"log"`
}

// LogPlugin configures the event log. `true` in the file stands for its zero value.
type LogPlugin struct {
	// File is where the lines go. Default: "devserver.log" in the project's cache folder.
	File string `json:"file"`
	// MaxSize is the size in bytes at which the file is rotated. Default: 10 MiB.
	MaxSize int `json:"maxSize" min:"1024"`
	// Keep is how many rotated files stay. Default: 3.
	Keep *int `json:"keep" min:"0"`
}

// Resolve tells how specifiers find their files.
type Resolve struct {
	// Alias puts one specifier in place of another, in order: `{"@": "./src"}` or
	// `[{"find": "@", "replacement": "./src"}]`.
	Alias Aliases `json:"alias"`
	// Conditions are conditions of package.json exports besides module, browser and development.
	Conditions []string `json:"conditions"`
	// Dedupe lists packages of which only the root's copy is used.
	Dedupe []string `json:"dedupe"`
	// Extensions are tried in order for specifiers without one. Default: those of Vite.
	Extensions []string `json:"extensions"`
	// MainFields are the fields of package.json that name a package's entry. Default: browser, module, main.
	MainFields []string `json:"mainFields"`
	// PreserveSymlinks takes a link's own path for a module's identity, not its target's. Default: false.
	PreserveSymlinks bool `json:"preserveSymlinks"`
}

// Alias is one replacement in specifiers.
type Alias struct {
	// Find is a specifier that is replaced as a whole or before a slash, or a regular expression as JavaScript has them
	// when it begins with "^" or Flags are given.
	Find string `json:"find"`
	// Replacement is put in its place. What begins with "./" or "../" is a path from the configuration file's folder
	// and is absolute once loaded; $1 stands for a group of the expression.
	Replacement string `json:"replacement"`
	// Flags are those of the regular expression, such as "i"; "" is one without. Nil: see Find.
	Flags *string `json:"flags"`
}

// Expression returns what Find is as a regular expression, nil when it is none.
func (a Alias) Expression() (*pattern.Pattern, error) {
	switch {
	case a.Flags != nil:
		return pattern.CompileFlags(a.Find, *a.Flags)
	case strings.HasPrefix(a.Find, "^"):
		return pattern.CompileFlags(a.Find, "")
	}
	return nil, nil
}

// CSS tells how stylesheets are compiled.
type CSS struct {
	// Modules is for files named *.module.css.
	Modules CSSModules `json:"modules"`
	// PreprocessorOptions are handed to "scss", "sass" and "less" as they are.
	PreprocessorOptions map[string]Raw `json:"preprocessorOptions"`
	// PostCSS is the folder or file of the PostCSS configuration, or the configuration itself. Default: looked for in the
	// root and the folders above, up to that of the workspace or package.
	PostCSS Raw `json:"postcss"`
	// Transformer "lightningcss" leaves PostCSS out: stylesheets stay as they are written. Default: "postcss".
	Transformer string `json:"transformer" enum:"postcss,lightningcss"`
	// DevSourcemap is taken and ignored: stylesheets always have a source map.
	DevSourcemap Ignored `json:"devSourcemap"`
}

// CSSModules tells how class names of CSS Modules are exported.
type CSSModules struct {
	// LocalsConvention exports class names camel-cased too, or only so. Default: as written.
	LocalsConvention string `json:"localsConvention" enum:"camelCase,camelCaseOnly,dashes,dashesOnly"`
	// GenerateScopedName is a pattern such as "[name]__[local]___[hash:base64:5]". Default: one of devserver's own.
	GenerateScopedName string `json:"generateScopedName"`
	// ScopeBehaviour makes names that are not marked local (the default) or global.
	ScopeBehaviour string `json:"scopeBehaviour" enum:"local,global"`
}

// JSON tells what modules made of JSON files export.
type JSON struct {
	// NamedExports exports the members of an object by name too. Default: true.
	NamedExports *bool `json:"namedExports"`
	// Stringify is taken and ignored: large files are always parsed as text.
	Stringify Ignored `json:"stringify"`
}

// Esbuild tells how JSX is compiled. It wins over what tsconfig.json says.
type Esbuild struct {
	// JSX is the runtime: "automatic", "transform" (or "classic"), or "preserve". Default: told from tsconfig.json or package.json.
	JSX string `json:"jsx" enum:"automatic,transform,classic,preserve"`
	// JSXImportSource is the package of the automatic runtime. Default: told from tsconfig.json or package.json.
	JSXImportSource string `json:"jsxImportSource"`
	// JSXFactory makes elements in the classic runtime. Default: "React.createElement".
	JSXFactory string `json:"jsxFactory"`
	// JSXFragment makes fragments in the classic runtime. Default: "React.Fragment".
	JSXFragment string `json:"jsxFragment"`
	// JSXDev adds source positions to elements. Default: true, but for React 19, which tells them by itself.
	JSXDev *bool `json:"jsxDev"`
	// JSXInject is put before every module with JSX, for example `import React from "react"`.
	JSXInject string `json:"jsxInject"`
}

// Server holds the address, who may ask, and what may be read.
type Server struct {
	// Host is the address to listen at; true stands for all of them ("0.0.0.0"). Default: this machine only.
	Host string `json:"host" or:"true=0.0.0.0,false="`
	// Port is the port to listen at, 0 for any free one. Default: 5173, or the next that is free.
	Port *int `json:"port" min:"0" max:"65535"`
	// StrictPort stops when the port is in use instead of taking the next. Default: false.
	StrictPort bool `json:"strictPort"`
	// Open shows the project in a browser at start; a text is the path to open. Nil does not, "" opens the base.
	Open *string `json:"open" or:"true=,false=nil"`
	// HTTPS serves with TLS: true makes a certificate locally. Nil serves plain HTTP.
	HTTPS *HTTPS `json:"https"`
	// Proxy forwards requests to backends, by prefix of the path or by a regular expression that begins with "^".
	Proxy Proxy `json:"proxy"`
	// Headers are added to every answer.
	Headers map[string]string `json:"headers"`
	// CORS lets pages of other origins read answers: true for any, or `{"origin": [...]}`. Default: none may.
	CORS CORS `json:"cors"`
	// AllowedHosts are names besides localhost and IP addresses by which the server may be asked. A name that begins
	// with a dot stands for all names below it too.
	AllowedHosts []string `json:"allowedHosts"`
	// FS tells which files may be read.
	FS FS `json:"fs"`
	// Watch tells how edits are noticed.
	Watch Watch `json:"watch"`
	// HMR tells how pages are connected and show what happens. `false`: edits neither update nor reload pages; events and errors
	// go on.
	HMR HMR `json:"hmr"`
	// Warmup is taken and ignored: pages are compiled ahead anyway.
	Warmup Ignored `json:"warmup"`
}

// HTTPS names a certificate. Both empty: a certificate is made and kept in the cache folder.
type HTTPS struct {
	// Key is the file of the private key in PEM form, relative to the configuration file, or its text.
	Key string `json:"key"`
	// Cert is the file of the certificate, with its chain, in PEM form.
	Cert string `json:"cert"`
}

// ProxyRule forwards the requests whose path it matches.
type ProxyRule struct {
	// Path is the beginning of the path, or a regular expression when it begins with "^". It is the rule's key in the file.
	Path string `json:"-"`
	// Target is the URL of the backend. A rule may be written as this text alone.
	Target string `json:"target"`
	// ChangeOrigin sends the target's host as Host header instead of the request's. Default: false, but true for a
	// rule that is a text alone.
	ChangeOrigin bool `json:"changeOrigin"`
	// WS forwards WebSockets too. Default: false, but true when the target begins with ws: or wss:.
	WS bool `json:"ws"`
	// Secure, when false, accepts any certificate of the backend. Default: true.
	Secure *bool `json:"secure"`
	// Rewrite replaces what regular expressions match in the path, in order: `{"^/api": ""}`.
	Rewrite Rewrites `json:"rewrite"`
	// Headers are set on the forwarded request.
	Headers map[string]string `json:"headers"`
	// CookieDomainRewrite puts other domains in the place of those of the backend's cookies: `{"api.example": "localhost"}`,
	// or a text for all; "" takes the domain away.
	CookieDomainRewrite Replacements `json:"cookieDomainRewrite"`
	// CookiePathRewrite does the same with their paths.
	CookiePathRewrite Replacements `json:"cookiePathRewrite"`
	// Functions are those of a vite.config that are asked for each request.
	Functions ProxyFunctions `json:"-"`
	// RewriteWSOrigin sends the target's origin as Origin header of WebSockets. Default: false.
	RewriteWSOrigin bool `json:"rewriteWsOrigin"`
}

// ProxyFunctions tells which functions of a proxy's rule its vite.config has, read for a mode.
type ProxyFunctions struct {
	Mode    string `json:"mode"`
	Rewrite bool   `json:"rewrite"`
	Bypass  bool   `json:"bypass"`
}

// Rewrite is one replacement in the path of a forwarded request.
type Rewrite struct {
	// Pattern is a regular expression; what it matches is replaced.
	Pattern string
	// Replacement may use $1.
	Replacement string
}

// FS tells which files may be read.
type FS struct {
	// Allow lists folders outside the root that may be read, relative to the configuration file. Absolute once loaded.
	Allow []string `json:"allow"`
	// Deny lists more patterns of files that are never served. What is denied by default stays denied.
	Deny []string `json:"deny"`
	// Strict, when false, allows every folder; the denied files stay denied. Default: true.
	Strict *bool `json:"strict"`
}

// Watch tells how edits are noticed.
type Watch struct {
	// Ignored lists glob patterns of files whose edits do not matter, besides .git and node_modules.
	Ignored Strings `json:"ignored"`
	// UsePolling looks at the files again and again, for file systems that send no events. Default: false.
	UsePolling bool `json:"usePolling"`
	// Interval is the pause between two looks in milliseconds. Default: 100.
	Interval int `json:"interval" min:"1"`
}

// HMR tells how pages are connected and show what happens.
type HMR struct {
	// Off leaves pages as they are when files change: `false` stands for it in the file.
	Off bool `json:"-"`
	// Overlay shows errors over the page. Default: true.
	Overlay *bool `json:"overlay"`
	// ShareTabs lets all tabs of a browser use one socket. Default: false.
	ShareTabs bool `json:"shareTabs"`
	// Reload tells what a page does that cannot take an update: reload ("always"), or show why and a button ("ask").
	// Default: "always".
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

// PublicPath returns the folder of public files as an absolute path, or "" for none. It need not exist.
func (c *Config) PublicPath(root string) string { return c.PublicDir.path(root, "public") }

// EnvPath returns the folder of .env files as an absolute path, or "" for none.
func (c *Config) EnvPath(root string) string { return c.EnvDir.path(root, ".") }

// EnvPrefixes returns the prefixes of the variables that pages may see.
func (c *Config) EnvPrefixes() []string {
	if len(c.EnvPrefix) == 0 {
		return []string{"VITE_"}
	}
	return c.EnvPrefix
}

// ClearScreenOrDefault tells whether the terminal may be cleared.
func (c *Config) ClearScreenOrDefault() bool { return orTrue(c.ClearScreen) }

// ReadsViteConfig tells whether a vite.config.* of the project is to be read.
func (c *Config) ReadsViteConfig() bool { return orTrue(c.ViteConfig) }

// PollInterval returns the pause between two looks of a polling watcher.
func (c *Config) PollInterval() time.Duration {
	if c.Server.Watch.Interval == 0 {
		return 100 * time.Millisecond
	}
	return time.Duration(c.Server.Watch.Interval) * time.Millisecond
}

// NamedExportsOrDefault tells whether members of JSON objects are exported by name.
func (j JSON) NamedExportsOrDefault() bool { return orTrue(j.NamedExports) }

// PortOrDefault returns the port to try first.
func (s Server) PortOrDefault() int {
	if s.Port == nil {
		return 5173
	}
	return *s.Port
}

// Exposed tells whether other machines can reach the server.
func (s Server) Exposed() bool {
	if s.Host == "" || s.Host == "localhost" {
		return false
	}
	ip := net.ParseIP(s.Host)
	return ip == nil || !ip.IsLoopback()
}

// CORSOrigins returns the origins whose pages may read answers; "*" stands for any.
func (s Server) CORSOrigins() []string { return s.CORS.Origins }

// OverlayOrDefault tells whether errors are shown over the page.
func (h HMR) OverlayOrDefault() bool { return orTrue(h.Overlay) }

// SecureOrDefault tells whether the backend's certificate is checked.
func (r ProxyRule) SecureOrDefault() bool { return orTrue(r.Secure) }

// KeepOrDefault returns how many rotated files stay.
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
