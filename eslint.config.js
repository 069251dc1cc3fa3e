import js from "@eslint/js";
import svelte from "eslint-plugin-svelte";
import globals from "globals";
import tseslint from "typescript-eslint";

/**
 * The rooms of the house and who may enter them (ARCHITECTURE.md). `except` names rooms and modules of a
 * package that a room must not import; raw platform APIs have one importer each.
 */
const rooms = (names) => ({
  group: names.map((name) => `**/${name}/**`),
  message: "This room may not import from there: see ARCHITECTURE.md, who may import whom.",
});
const owned = (name, owner) => ({ name, message: `Only ${owner} imports ${name}.` });

const OWNED = [
  owned("better-sqlite3", "electron/engine/store/database.ts"),
  owned("chokidar", "electron/engine/intake/watch.ts"),
  owned("undici", "electron/engine/deployment/http.ts"),
  owned("p-queue", "electron/engine/dispatch/pump.ts"),
  owned("electron", "electron/shell and electron/preload"),
];
const NO_NODE = { regex: "^node:", message: "This room runs without Node." };
const NO_ZOD = owned("zod", "electron/contract/schema and rooms that run on Node");

function zone(files, forbiddenRooms, options = {}) {
  const allowed = options.allow ?? [];
  return {
    files,
    rules: {
      "no-restricted-imports": [
        "error",
        {
          paths: [...OWNED, ...(options.paths ?? [])].filter((path) => !allowed.includes(path.name)),
          patterns: [
            ...(forbiddenRooms.length > 0 ? [rooms(forbiddenRooms)] : []),
            ...(options.patterns ?? []),
          ],
        },
      ],
    },
  };
}

export default tseslint.config(
  { ignores: ["out/", "dist/", "node_modules/", "test-results/", "playwright-report/"] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  ...svelte.configs.recommended,
  {
    languageOptions: {
      globals: globals.node,
      parserOptions: {
        project: ["./tsconfig.node.json", "./tsconfig.web.json"],
        extraFileExtensions: [".svelte"],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      "@typescript-eslint/restrict-template-expressions": [
        "error",
        { allowNumber: true, allowBoolean: true },
      ],
      "@typescript-eslint/require-await": "off",
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true },
      ],
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      "@typescript-eslint/unified-signatures": "off",
      // `Result<T, Failure>` names what can fail also where it is the default.
      "@typescript-eslint/no-unnecessary-type-arguments": "off",
      "@typescript-eslint/no-meaningless-void-operator": "off",
      "no-control-regex": "off",
      "no-console": "error",
    },
  },
  {
    files: ["**/*.svelte", "**/*.svelte.ts"],
    languageOptions: { globals: globals.browser, parserOptions: { parser: tseslint.parser } },
    rules: { "svelte/no-at-html-tags": "error", "svelte/require-each-key": "error" },
  },
  { files: ["**/*.js"], ...tseslint.configs.disableTypeChecked },
  {
    files: ["test/**/*.ts", "*.config.ts"],
    rules: { "@typescript-eslint/no-non-null-assertion": "off", "no-console": "off" },
  },

  zone(["electron/contract/**"], ["engine", "simulator", "cli", "web", "shell", "preload", "src"], {
    paths: [NO_ZOD],
    patterns: [NO_NODE],
  }),
  zone(["electron/contract/schema/**"], ["engine", "simulator", "cli", "web", "shell", "preload", "src"]),
  zone(["electron/engine/**"], ["simulator", "cli", "web", "shell", "preload", "src"]),
  zone(["electron/engine/store/database.ts"], ["simulator", "cli", "web", "shell", "preload", "src"], {
    allow: ["better-sqlite3"],
  }),
  zone(["electron/engine/intake/watch.ts"], ["simulator", "cli", "web", "shell", "preload", "src"], {
    allow: ["chokidar"],
  }),
  zone(["electron/engine/deployment/http.ts"], ["simulator", "cli", "web", "shell", "preload", "src"], {
    allow: ["undici"],
  }),
  zone(["electron/engine/dispatch/pump.ts"], ["simulator", "cli", "web", "shell", "preload", "src"], {
    allow: ["p-queue"],
  }),
  zone(["electron/simulator/**"], ["engine", "cli", "web", "shell", "preload", "src"]),
  zone(["electron/cli/**"], ["simulator", "shell", "preload", "src"]),
  zone(["electron/web/**"], ["simulator", "cli", "shell", "preload", "src"]),
  zone(["electron/shell/**"], ["simulator", "preload", "src"], { allow: ["electron"] }),
  zone(["electron/preload/**"], ["engine", "simulator", "cli", "web", "shell", "src", "schema"], {
    allow: ["electron"],
    paths: [NO_ZOD],
  }),
  zone(["src/**"], ["engine", "simulator", "cli", "web", "shell", "preload", "schema"], {
    paths: [NO_ZOD],
    patterns: [NO_NODE],
  }),
);
