package server_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/seed-b8174343/devserver/internal/devtest"
)

func TestZZTry(t *testing.T) {
	s := &devtest.Server{Log: &devtest.Log{}, URL: os.Getenv("TRY")}
	page := s.Page(t, "/")
	time.Sleep(6 * time.Second)
	fmt.Println(devtest.Eval[string](page, "document.documentElement.outerHTML.slice(0, 3000)"))
	fmt.Println(devtest.Eval[string](page, "[...document.querySelectorAll('*')].filter(e => e.shadowRoot).map(e => e.tagName + ' ' + e.shadowRoot.textContent.slice(-600)).join('\\n')"))
	fmt.Println(devtest.Eval[string](page, "navigator.serviceWorker.getRegistrations().then(r => r.map(x => x.active?.scriptURL ?? String(x.installing?.scriptURL)).join())"))
	for _, c := range page.Console() {
		fmt.Println("C", c)
	}
	for _, c := range page.Failures() {
		fmt.Println("F", c)
	}
}
