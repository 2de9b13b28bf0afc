package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/seed-b8174343/devserver/plugin"
)

// The messages are in a file and not in memory: this program is replaced at each save of its code.

// kept is how many messages a page gets that enters a room.
const kept = 50

func historyFile(ctx context.Context) string {
	return filepath.Join(plugin.ServerFrom(ctx).Root(), "messages.jsonl")
}

// remember appends a message, as a line of JSON. Handlers of several pages may call it at the same time: one Write keeps
// a line whole.
func remember(ctx context.Context, m Message) (err error) {
	line, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("remember a message: %w", err)
	}
	f, err := os.OpenFile(historyFile(ctx), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("remember a message: %w", err)
	}
	_, err = f.Write(append(line, '\n'))
	return errors.Join(err, f.Close())
}

// history returns the newest messages of a room, the oldest of them first.
func history(ctx context.Context, room string) ([]Message, error) {
	text, err := os.ReadFile(historyFile(ctx))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the messages: %w", err)
	}
	list := []Message{} // a nil slice would be null in the page
	for line := range bytes.Lines(text) {
		var m Message
		if json.Unmarshal(line, &m) == nil && m.Room == room { // a line that is being written is not whole
			list = append(list, m)
		}
	}
	return list[max(0, len(list)-kept):], nil
}
