package running

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// folder holds the files of running servers, in the project's cache folder.
const folder = "running"

// Announce writes the file by which [Find] finds the server, and returns its name. name is unique among the servers of
// the project; a second call with it replaces the file. Withdraw removes it.
func Announce(cache *CacheFolder, name string, s Server) (file string, err error) {
	dir, err := cache.Dir(folder)
	if err != nil {
		return "", err
	}
	// Each address has one server: an older file with ours belongs to a server that was killed.
	list, _ := read(dir) // a folder that cannot be read names no server that we could remove
	for _, other := range list {
		if other.URL == s.URL && other.Token != s.Token {
			Withdraw(other.file)
		}
	}
	text, err := json.Marshal(s)
	if err != nil {
		return "", err
	}
	file = filepath.Join(dir, name+".json")
	temp, err := os.CreateTemp(dir, ".new-*") // 0600: the token is in it
	if err != nil {
		return "", err
	}
	_, err = temp.Write(text)
	if err = errors.Join(err, temp.Close()); err == nil {
		err = os.Rename(temp.Name(), file)
	}
	if err != nil {
		_ = os.Remove(temp.Name())
		return "", err
	}
	return file, nil
}

// Withdraw removes the file of a server.
func Withdraw(file string) { _ = os.Remove(file) } // Alive finds that a file which stays is stale

// Find returns the servers that run for the project in root, the newest first. cacheDir is the server's
// Options.CacheDir. A server may have been killed: ask Alive.
func Find(root, cacheDir string) ([]Server, error) {
	real, err := RealFolder(root)
	if err != nil {
		return nil, err
	}
	dir, err := cacheOf(real, cacheDir)
	if err != nil {
		return nil, fmt.Errorf("look for running servers: %w", err)
	}
	list, err := read(filepath.Join(dir, folder))
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b Server) int { return b.Started.Compare(a.Started) })
	return list, nil
}

// read reads the files of a folder, which need not exist.
func read(dir string) ([]Server, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("look for running servers: %w", err)
	}
	var list []Server
	for _, e := range entries {
		if filepath.Ext(e.Name()) != ".json" {
			continue
		}
		file := filepath.Join(dir, e.Name())
		text, err := os.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) {
			continue // the server has just stopped
		}
		if err != nil {
			return nil, fmt.Errorf("look for running servers: %w", err)
		}
		var s Server
		if json.Unmarshal(text, &s) == nil && s.URL != "" && s.Token != "" {
			s.file = file
			list = append(list, s)
		}
	}
	return list, nil
}
