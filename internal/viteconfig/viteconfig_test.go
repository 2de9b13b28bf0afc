package viteconfig

import (
	"slices"
	"testing"

	"github.com/seed-b8174343/devserver/internal/vite"
)

// TestNamesOfPlugins: a package that brings many plugins is named once.
func TestNamesOfPlugins(t *testing.T) {
	var plugins []vite.Plugin
	for _, name := range []string{"unocss:global", "vite:vue", "unocss:transformers:pre", "vite:vue-jsx", "@tailwindcss/vite:scan", "own"} {
		plugins = append(plugins, vite.Plugin{Name: name})
	}
	want := []string{"unocss", "vite:vue", "vite:vue-jsx", "@tailwindcss/vite", "own"}
	if have := families(plugins); !slices.Equal(have, want) {
		t.Errorf("the terminal names %q, want %q", have, want)
	}
}

func TestConfigsThatSayNothing(t *testing.T) {
	for text, want := range map[string]bool{
		"import { defineConfig } from 'vite'\nimport react from '@vitejs/plugin-react'\n\n// https://vite.dev/config/\nexport default defineConfig({\n  plugins: [react()],\n})\n":                                          true,
		"import {defineConfig} from \"vite\";\nimport react from \"@vitejs/plugin-react\";\nimport tailwindcss from \"@tailwindcss/vite\";\n/* both */ export default defineConfig({ plugins: [react(), tailwindcss()] });": true,
		"import { defineConfig } from 'vite'\nexport default defineConfig({})": true,
		// Whatever is not surely nothing is read.
		"import { defineConfig } from 'vite'\nimport vue from '@vitejs/plugin-vue'\nexport default defineConfig({ plugins: [vue()] })":                                false,
		"import { defineConfig } from 'vite'\nimport react from '@vitejs/plugin-react'\nexport default defineConfig({ plugins: [react({ jsxRuntime: 'classic' })] })": false,
		"import { defineConfig } from 'vite'\nimport react from '@vitejs/plugin-react'\nexport default defineConfig({ plugins: [react()], base: '/x/' })":             false,
		"import { defineConfig } from 'vite'\nimport './side-effect'\nexport default defineConfig({})":                                                                false,
		"export default { server: { port: 3000 } }": false,
		"export default defineConfig(() => ({}))":   false,
		"": false,
	} {
		if got := saysNothing(text); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}
