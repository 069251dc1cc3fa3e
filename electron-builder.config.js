/**
 * How the desktop app is packed. `npm run rehearse` packs it against a stand-in for Electron and checks what is inside.
 * @type {import("electron-builder").Configuration}
 */
export default {
  appId: "ai.nightrun.desktop",
  productName: "Nightrun",
  copyright: "MIT licence",
  directories: { output: "dist", buildResources: "resources/icons" },
  // Debian packages must name a page and a person. By its desktop name a Linux desktop knows whose window, progress and
  // badge it shows.
  extraMetadata: { homepage: "https://nightrun.invalid", desktopName: "nightrun.desktop" },
  publish: null,

  // Only what was built, and what it imports. Sources, tests and maps stay out.
  files: [
    "out/**",
    "resources/icons/*.png",
    "package.json",
    "LICENSE",
    "!**/*.map",
    "!**/*.ts",
    "!**/*.{md,markdown,flow,tsbuildinfo}",
    "!**/{test,tests,__tests__,docs,examples,benchmarks,.github}/**",
    "!node_modules/better-sqlite3/{src,deps,binding.gyp,build}",
    "!node_modules/better-sqlite3/prebuilds/!(${platform}-${arch}.node)",
    "!node_modules/node-addon-api",
    "!node_modules/nightrun-node-runtime",
    "!node_modules/sharp/{src,install}",
    "!node_modules/zod/src",
    "!node_modules/@img/*/lib/**/*.h",
    "!node_modules/date-fns/fp",
    "!node_modules/date-fns/locale/!(en-US*|_lib*)",
    "!node_modules/date-fns/locale/!(en-US|_lib)/**",
  ],
  asar: true,
  // What the system itself loads has to be a file of its own.
  asarUnpack: ["**/*.node", "node_modules/@img/**"],
  // All native parts are prebuilt for Node-API: there is nothing to compile, and no compiler is needed.
  npmRebuild: false,
  nodeGypRebuild: false,

  electronFuses: {
    runAsNode: false,
    enableCookieEncryption: true,
    enableNodeOptionsEnvironmentVariable: false,
    enableNodeCliInspectArguments: false,
    enableEmbeddedAsarIntegrityValidation: true,
    onlyLoadAppFromAsar: true,
    loadBrowserProcessSpecificV8Snapshot: false,
    grantFileProtocolExtraPrivileges: false,
  },

  linux: {
    target: ["AppImage", "deb"],
    executableName: "nightrun",
    syncDesktopName: true,
    icon: "resources/icons/linux",
    category: "Graphics",
    synopsis: "Runs folders of images through an Ikomia SCALE deployment",
    maintainer: "The Nightrun founders <founders@nightrun.invalid>",
  },
  win: {
    target: ["nsis"],
    icon: "resources/icons/icon.ico",
    // A terminal waits for a batch file, but not for a program with windows; and Electron on Windows starts with
    // nothing that follows an address, unless two dashes come first.
    extraFiles: [{ from: "electron/shell/nightrun.cmd", to: "nightrun.cmd" }],
  },
  nsis: {
    oneClick: false,
    perMachine: false,
    allowToChangeInstallationDirectory: true,
    deleteAppDataOnUninstall: false,
  },
  mac: {
    target: ["dmg"],
    icon: "resources/icons/icon.icns",
    category: "public.app-category.photography",
    hardenedRuntime: true,
  },
};
