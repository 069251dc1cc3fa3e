import { expect, test } from "vitest";

const SOURCES = import.meta.glob<string>(
  ["../../src/**/*.svelte", "../../src/**/*.css", "!../../src/theme/tokens.css"],
  {
    query: "?raw",
    import: "default",
    eager: true,
  },
);

/** The style part of a component, or a whole style sheet, without its comments. */
function styleOf(path: string, source: string): string {
  const style = path.endsWith(".css") ? source : (/<style>([\s\S]*?)<\/style>/.exec(source)?.[1] ?? "");
  return style.replace(/\/\*[\s\S]*?\*\/|@media[^{]*/g, "");
}

test("no colour is written outside the tokens", () => {
  const found = Object.entries(SOURCES).flatMap(([path, source]) =>
    (styleOf(path, source).match(/#[0-9a-f]{3,8}\b|\brgba?\(|\bhsla?\(|\boklch\(/gi) ?? []).map(
      (hit) => `${path}: ${hit}`,
    ),
  );
  expect(found).toEqual([]);
});

test("no size in pixels is written outside the tokens but those of the hidden-text idiom", () => {
  const found = Object.entries(SOURCES).flatMap(([path, source]) =>
    (styleOf(path, source).match(/[\w-]+:[^;{}]*\b\d+px/g) ?? [])
      .filter((hit) => !/^(width|height): 1px$/.test(hit))
      .map((hit) => `${path}: ${hit}`),
  );
  expect(found).toEqual([]);
});

test("no markup carries a style attribute or raw HTML: the page's policy refuses the one, safety the other", () => {
  for (const [path, source] of Object.entries(SOURCES)) {
    expect(source, path).not.toMatch(/\sstyle=["{]/);
    expect(source, path).not.toContain("{@html");
  }
});
