package viteconfig

import "testing"

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
