package server_test

import (
	"os"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
)

func TestMain(m *testing.M) { os.Exit(devtest.Main(m)) }
