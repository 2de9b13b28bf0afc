package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// generateVue writes a Vue project of n components of 35 lines, as `npm create vite` lays it out, and installs its
// packages. All components are on the page. They form a tree in which each renders up to ten others.
func generateVue(dir string, n int) error {
	files := map[string]string{
		"package.json": `{
  "private": true,
  "type": "module",
  "dependencies": { "vue": "3.5.45" },
  "devDependencies": { "@vitejs/plugin-vue": "6.0.11", "vite": "8.4.0", "typescript": "6.0.3" }
}
`,
		"vite.config.ts": `import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vite";

export default defineConfig({ plugins: [vue()] });
`,
		"index.html": `<!doctype html><link rel="icon" href="data:,"><div id="app"></div><script type="module" src="/src/main.ts"></script>`,
		// Mounting renders all components before it returns. The time is the system's, as the command measures it.
		"src/main.ts": `import { createApp } from "vue";
import Item0 from "./d0/Item0.vue";

createApp(Item0).mount("#app");
requestAnimationFrame(() => {
  Object.assign(window, { rendered: performance.timeOrigin + performance.now() });
});
`,
	}
	for i := range n {
		files[component(i)] = componentText(i, n, 0)
	}
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			return err
		}
	}
	cmd := exec.Command("npm", "install", "--no-audit", "--no-fund", "--loglevel=error")
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("npm install: %w", err)
	}
	return nil
}

// component returns a component's file. Each folder has a hundred files.
func component(i int) string { return fmt.Sprintf("src/d%d/Item%d.vue", i/100, i) }

// componentText returns the text of a component. The version is in its template, its script and its style.
func componentText(i, n, version int) string {
	var imports, children strings.Builder
	for child := i*10 + 1; child <= i*10+10 && child < n; child++ {
		fmt.Fprintf(&imports, "import Item%d from \"../d%d/Item%d.vue\";\n", child, child/100, child)
		fmt.Fprintf(&children, "    <Item%d :depth=\"depth + 1\" />\n", child)
	}
	return fmt.Sprintf(`<script setup lang="ts">
import { computed, ref } from "vue";
%[3]s
interface Entry {
  id: number;
  label: string;
  done?: boolean;
}

const { depth = 0 } = defineProps<{ depth?: number }>();
const made = ref("script %[2]d");
const entries = ref<Entry[]>([{ id: %[1]d, label: "first" }, { id: %[1]d + 1, label: "second", done: true }]);
const open = computed(() => entries.value.filter((entry) => !entry.done));

function finish(entry: Entry): void {
  entry.done = true;
}
</script>

<template>
  <section id="item%[1]d" class="item item%[1]d" :data-depth="depth">
    <h3>template %[2]d</h3>
    <p>{{ made }}</p>
    <ul v-if="open.length > 0">
      <li v-for="entry in open" :key="entry.id" @click="finish(entry)">{{ entry.label }}</li>
    </ul>
%[4]s  </section>
</template>

<style scoped>
.item%[1]d {
  --version: %[2]d;
  color: rgb(%[5]d, 20, 30);
}
</style>
`, i, version, imports.String(), children.String(), i%200)
}
