package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"sync"
	"syscall"
	"time"

	configfile "github.com/seed-b8174343/devserver/internal/config"
	"github.com/seed-b8174343/devserver/internal/terminal"
	"github.com/seed-b8174343/devserver/server"
)

// dev serves a project until a signal or the end of ctx.
func (c *command) dev(ctx context.Context, args []string) int {
	in, err := parse(args)
	switch {
	case err != nil:
		return c.usage("%v", err)
	case in.help:
		return c.help()
	case in.version:
		return c.version()
	}
	cfg, folder, err := load(in)
	if err != nil {
		return c.fail(err)
	}
	stopProfile, err := startProfile(in.cpuprofile)
	if err != nil {
		return c.fail(err)
	}
	defer stopProfile()

	surviveClosedOutput()
	ctx, stop := untilSignal(ctx)
	defer stop()
	if err := c.serve(ctx, stop, in, cfg, folder); err != nil {
		return c.fail(err)
	}
	return exitStopped
}

// load finds the project's folder (from the command line, or the current folder) and reads its configuration, for what
// has to be known before there is a server.
func load(in *invocation) (*configfile.Config, string, error) {
	folder := in.root
	if folder == "" {
		folder = "."
	}
	if !isFolder(folder) {
		return nil, "", notFolderOrCommand(folder)
	}
	from := configfile.Source{Root: folder, File: in.configFile, Program: in.options}
	cfg, err := configfile.Load(from)
	if mistakes, ok := errors.AsType[configfile.Errors](err); ok {
		cfg = configfile.Broken(from, mistakes) // the pages show the mistakes until they are fixed
	} else if err != nil {
		return nil, "", err
	}
	return cfg, folder, nil
}

func notAFolder(name string) error {
	abs, err := filepath.Abs(name)
	if err != nil {
		abs = name
	}
	if _, err := os.Stat(name); err == nil {
		return fmt.Errorf("%s is a file; name the folder that holds index.html", abs)
	}
	return fmt.Errorf("there is no folder %s", abs)
}

// notFolderOrCommand is notAFolder for a name in the place of a command.
func notFolderOrCommand(name string) error {
	err := notAFolder(name)
	if _, missing := os.Stat(name); missing != nil && filepath.Base(name) == name && filepath.Ext(name) == "" {
		return fmt.Errorf("%w, and no command %q: `devserver help` lists the commands", err, name)
	}
	return err
}

// untilSignal returns a context that ends with the first signal. The second signal ends the process: after the first,
// signals have their usual effect again.
func untilSignal(ctx context.Context) (context.Context, context.CancelFunc) {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // nohup devserver outlives its terminal
		signals = append(signals, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(ctx, signals...)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

// interactive reports whether a person sits at the terminal.
func (c *command) interactive() bool {
	return terminal.IsTerminal(c.stdin) && terminal.IsTerminal(c.stdout) && c.getenv("CI") == ""
}

// surviveClosedOutput makes a write to a closed standard output fail. Without it, the write ends the process: a server
// must outlive the program that reads its log (devserver | head). The signal is not ignored, since programs that the
// server starts would inherit that.
func surviveClosedOutput() { signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) }

func (c *command) serve(ctx context.Context, stop context.CancelFunc, in *invocation, first *configfile.Config, folder string) error {
	interactive := c.interactive()
	paint := terminal.Paint{On: terminal.ColorWanted(c.stdout, c.getenv)}
	level := &slog.LevelVar{}
	level.Set(terminal.Level(first.LogLevel))
	log := slog.New(terminal.NewHandler(terminal.Options{Out: c.stdout, Err: c.stderr, Level: level, Color: paint.On}))
	if interactive && first.ClearScreenOrDefault() && level.Level() <= slog.LevelInfo {
		clearScreen(c.stdout)
	}
	srv, err := server.New(server.Options{
		Root: folder, Config: in.options, ConfigFile: in.configFile, NoPlugins: in.noPlugins, Force: in.force, Logger: log,
	})
	if err != nil {
		return err
	}
	_ = os.Remove(in.ready) // a waiting program must not read the file of an earlier run
	cfg := srv.Config()     // with the values of vite.config
	level.Set(terminal.Level(cfg.LogLevel))
	urls, err := srv.Listen(ctx)
	if err != nil {
		return errors.Join(err, srv.Close())
	}
	if level.Level() <= slog.LevelInfo {
		banner(c.stdout, paint, urls, cfg, time.Since(c.began), interactive)
	}
	if err := writeReady(in.ready, urls); err != nil {
		return errors.Join(err, srv.Close())
	}
	if path := cfg.Server.Open; path != nil {
		openBrowser(log, c.getenv, openURL(urls, *path))
	}
	if interactive {
		keys := &shortcuts{
			out: c.stdout, paint: paint, urls: urls, cfg: cfg, key: srv.Key, log: log, getenv: c.getenv,
			restart: srv.Restart, pause: srv.Pause, stop: stop,
		}
		// A read from a terminal cannot be cancelled; the process ends while this goroutine waits for a line.
		go keys.read(c.stdin)
	}
	return srv.Serve(ctx)
}

// writeReady writes the URLs for the program that started the server. The rename keeps that program from reading half
// a file.
func writeReady(file string, urls server.URLs) error {
	if file == "" {
		return nil
	}
	text, err := json.Marshal(urls)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file+".tmp", text, 0o600); err != nil {
		return fmt.Errorf("write --ready file: %w", err)
	}
	if err := os.Rename(file+".tmp", file); err != nil {
		return fmt.Errorf("write --ready file: %w", err)
	}
	return nil
}

// startProfile writes a CPU profile to the file, for work on devserver itself.
func startProfile(file string) (stop func(), err error) {
	if file == "" {
		return func() {}, nil
	}
	f, err := os.Create(file)
	if err != nil {
		return nil, fmt.Errorf("write --cpuprofile file: %w", err)
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	var once sync.Once
	return func() {
		once.Do(func() {
			pprof.StopCPUProfile()
			_ = f.Close() // a truncated profile is noticed when it is read
		})
	}, nil
}

// openURL returns the address for the browser.
func openURL(urls server.URLs, path string) string {
	if strings.HasPrefix(path, "http://") || strings.HasPrefix(path, "https://") {
		return path
	}
	base := ""
	if list := append(urls.Local[:len(urls.Local):len(urls.Local)], urls.Network...); len(list) > 0 {
		base = list[0]
	}
	return base + strings.TrimPrefix(path, "/")
}
