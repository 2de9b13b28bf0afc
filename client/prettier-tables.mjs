// Prettier pads the cells of Markdown tables to the widest one, so a table with a sentence in a cell gets lines of
// hundreds of columns. It has a compact form for such tables, but only where paragraphs are unwrapped, too. This plugin
// prints tables in that way, and nothing else.
import { parsers, printers } from "prettier/plugins/markdown";

const { mdast } = printers;

export default {
  parsers: { markdown: parsers.markdown },
  printers: {
    mdast: {
      ...mdast,
      print: (path, options, print) =>
        mdast.print(path, path.node.type === "table" ? { ...options, proseWrap: "never" } : options, print),
    },
  },
};
