// Decorators with metadata, which need the types of the decorated parts.
import { load, loadFirst, plain, root } from "./packages.mjs";

/**
 * The packages that know the types of decorated parts, in the order in which they are asked: TypeScript, which makes the
 * rules and has no API from version 7 on; the compiler inside Vite 8, which lacks little; SWC.
 */
const decoratorTools = [withTypeScript, withOxc, withSwc];

let decoratorTool; // promise

async function findDecoratorTool() {
  for (const make of decoratorTools) {
    try {
      const tool = await make();
      if (tool) return tool;
    } catch (e) {
      if (!e.missing) throw e;
    }
  }
  throw Object.assign(new Error("emitDecoratorMetadata needs a compiler: TypeScript up to version 6, Vite 8, or SWC"), {
    hint: "npm install -D @swc/core",
    missing: true,
  });
}

export async function runTypeScript({ file, code, options = {} }) {
  decoratorTool ??= findDecoratorTool();
  decoratorTool.catch(() => (decoratorTool = undefined)); // it may be installed
  return { code: await (await decoratorTool)(file, code, options.compilerOptions ?? {}), deps: [] };
}

async function withTypeScript() {
  const ts = plain(await load("typescript"));
  if (!ts.transpileModule) return undefined;
  return (file, code, own) => {
    const { options: compilerOptions } = ts.convertCompilerOptionsFromJson(
      {
        ...own,
        experimentalDecorators: true,
        emitDecoratorMetadata: true,
        jsx: "preserve",
        module: "esnext",
        target: own.target ?? "esnext",
        sourceMap: false,
        inlineSourceMap: true,
        inlineSources: true,
        noEmit: false,
      },
      root,
    );
    const made = ts.transpileModule(code, { fileName: file, compilerOptions, reportDiagnostics: true });
    const wrong = made.diagnostics.find((d) => d.file && d.category === ts.DiagnosticCategory.Error);
    if (wrong) {
      // the output is what TypeScript guesses
      const { line, character } = wrong.file.getLineAndCharacterOfPosition(wrong.start);
      const text = ts.flattenDiagnosticMessageText(wrong.messageText, "\n");
      throw Object.assign(new Error(text), { file, line: line + 1, column: character });
    }
    return made.outputText;
  };
}

/** What the compiler inside Vite calls. It stands on a line of its own. */
const oxcHelpers = `const babelHelpers = {
  decorate(decorators, target, key, desc) {
    const n = arguments.length;
    let made = n < 3 ? target : desc === null ? (desc = Object.getOwnPropertyDescriptor(target, key)) : desc;
    for (const decorator of decorators.reverse())
      if (decorator) made = (n < 3 ? decorator(made) : n > 3 ? decorator(target, key, made) : decorator(target, key)) || made;
    return n > 3 && made && Object.defineProperty(target, key, made), made;
  },
  decorateMetadata: (key, value) => globalThis.Reflect?.metadata?.(key, value),
  decorateParam: (index, decorator) => (target, key) => decorator(target, key, index),
};`.replace(/\s*\n\s*/g, " ");

async function withOxc() {
  const { transform } = await loadFirst(["rolldown/utils", "rolldown/experimental", "oxc-transform"], "vite");
  if (!transform) return undefined;
  return async (file, code, own) => {
    const defines = definesFields(own);
    const made = await transform(file, code, {
      lang: file.endsWith("x") ? "tsx" : "ts",
      target: "esnext",
      tsconfig: false,
      sourcemap: true,
      jsx: "preserve",
      helpers: { mode: "External" },
      decorator: {
        legacy: true,
        emitDecoratorMetadata: true,
        strictNullChecks: own.strictNullChecks ?? own.strict ?? true,
      },
      assumptions: { setPublicClassFields: !defines },
      typescript: {
        onlyRemoveTypeImports: own.verbatimModuleSyntax ?? false,
        removeClassFieldsWithoutInitializer: !defines,
      },
    });
    const [error] = made.errors;
    if (error) {
      const [text] = error.message.replace(/\x1b\[[\d;]*m/g, "").split("\n");
      throw Object.assign(new Error(text.replace(/^\[\w+\] /, "")), { loc: { ...error.loc, file } });
    }
    const map = made.map && { ...made.map, mappings: ";" + made.map.mappings };
    return inlineMap(`${oxcHelpers}\n${made.code}`, map);
  };
}

async function withSwc() {
  const swc = plain(await load("@swc/core"));
  return async (file, code, own) => {
    const made = await swc
      .transform(code, {
        filename: file,
        swcrc: false,
        configFile: false,
        sourceMaps: true,
        module: { type: "es6" },
        jsc: {
          target: "esnext",
          parser: { syntax: "typescript", decorators: true, tsx: file.endsWith("x") },
          transform: {
            legacyDecorator: true,
            decoratorMetadata: true,
            useDefineForClassFields: definesFields(own),
            verbatimModuleSyntax: own.verbatimModuleSyntax ?? false,
            react: { runtime: "preserve" },
          },
        },
      })
      .catch((e) => {
        const text = e.message.replace(/\x1b\[[\d;]*m/g, "");
        const [, line, column] = /\[.*:(\d+):(\d+)\]/.exec(text) ?? [];
        const [, reason] = /^\s*[x×]\s*(.+)/m.exec(text) ?? [];
        throw Object.assign(new Error(reason ?? text), {
          file,
          line: Number(line) || undefined,
          column: Number(column) - 1,
        });
      });
    return inlineMap(made.code, made.map);
  };
}

/** Reports whether class fields are defined, as in JavaScript. The rule is TypeScript's, by the target. */
const definesFields = (own) =>
  own.useDefineForClassFields ?? /^es(next|20(2[2-9]|[3-9]\d))$/i.test(own.target ?? "esnext");

const inlineMap = (code, map) =>
  `${code}\n//# sourceMappingURL=data:application/json;base64,${Buffer.from(typeof map === "string" ? map : JSON.stringify(map)).toString("base64")}`;
