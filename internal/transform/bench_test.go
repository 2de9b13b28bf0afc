package transform

import (
	"strings"
	"testing"
)

// component is a typical module of a project, of about 1.5 KB.
const component = `import { useEffect, useState } from "react";
import { formatDate } from "../lib/date";
import type { Item } from "../types";
import { useItems } from "../hooks/useItems";
import Button from "./Button";
import styles from "./List.module.css";

interface Props {
  title: string;
  items?: Item[];
  onSelect?: (item: Item) => void;
}

const EMPTY: Item[] = [];

/** A list of items, with a filter above it. */
export function List({ title, items = EMPTY, onSelect }: Props) {
  const [filter, setFilter] = useState("");
  const [selected, setSelected] = useState<string | null>(null);
  const { data, loading } = useItems(filter);

  useEffect(() => {
    if (!selected) return;
    const found = items.find((item) => item.id === selected);
    if (found) onSelect?.(found);
  }, [selected, items, onSelect]);

  if (loading) return <p className={styles.loading}>Loading {title}...</p>;

  return (
    <section className={styles.list} data-selected={selected ?? ""}>
      <h2>{title}</h2>
      <input value={filter} placeholder="Filter" onChange={(event) => setFilter(event.target.value)} />
      <ul>
        {[...items, ...data].map((item) => (
          <li key={item.id} className={item.id === selected ? styles.selected : undefined}>
            <span>{item.name}</span>
            <time dateTime={item.date}>{formatDate(item.date)}</time>
            <Button onClick={() => setSelected(item.id)}>Select</Button>
          </li>
        ))}
      </ul>
    </section>
  );
}
`

func componentInput() Input {
	return Input{ID: "/src/List.tsx", File: "/home/me/app/src/List.tsx", Code: component, Lang: LangTSX, Refresh: "react",
		JSX: JSX{Dev: true}, TSConfigRaw: `{"compilerOptions":{"jsx":"react-jsx","useDefineForClassFields":true}}`}
}

func BenchmarkCompile(b *testing.B)   { benchmark(b, Compile) }
func BenchmarkSourceMap(b *testing.B) { benchmark(b, SourceMap) }

func benchmark[Out any](b *testing.B, do func(Input) (Out, []Error)) {
	in := componentInput()
	b.SetBytes(int64(len(in.Code)))
	b.ReportAllocs()
	for b.Loop() {
		if _, errs := do(in); errs != nil {
			b.Fatal(errs)
		}
	}
}

// BenchmarkRead measures the work that Compile adds to esbuild's.
func BenchmarkRead(b *testing.B) {
	in := componentInput()
	p, errs := print(&in, false)
	if errs != nil {
		b.Fatal(errs)
	}
	b.SetBytes(int64(len(p.code)))
	b.ReportAllocs()
	for b.Loop() {
		out := &Output{}
		if errs := read(&in, p, out); errs != nil {
			b.Fatal(errs)
		}
	}
}

// BenchmarkReadLarge reads a CommonJS file of a megabyte.
func BenchmarkReadLarge(b *testing.B) {
	in := Input{ID: "/node_modules/p/index.js", Dependency: true,
		Code: strings.Repeat("exports.f = function(a, b) { if (a) return /x/.test(b) ? a.b.c : require(\"./x\").d(b / 2); };\n", 11000)}
	p, errs := print(&in, false)
	if errs != nil {
		b.Fatal(errs)
	}
	b.SetBytes(int64(len(p.code)))
	b.ReportAllocs()
	for b.Loop() {
		out := &Output{}
		if errs := read(&in, p, out); errs != nil {
			b.Fatal(errs)
		}
	}
}
