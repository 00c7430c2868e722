import fs from "node:fs";
import { fileURLToPath } from "node:url";

import { defineConfig } from "vite";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

const PLAIN_ICON = `
<svg xmlns="http://www.w3.org/2000/svg" width="24" height="24" viewBox="0 0 24 24"
     fill="none" stroke="currentColor"><path d="M8 7l-5 5 5 5M16 7l5 5-5 5"/></svg>`;

/**
 * Answer the icons that ikonate 1.1.1 on npm lacks.
 *
 * Neuroglancer pins a git revision of ikonate that has a few more icons than the published
 * release; those few become one plain drawing.
 */
function missingIcons() {
  const prefix = "\0missing-icon:";
  return {
    name: "missing-icons",
    enforce: "pre",
    resolveId(id) {
      const icon = /^ikonate\/icons\/([a-z0-9-]+)\.svg\?raw$/.exec(id)?.[1];
      if (icon && !fs.existsSync(here(`node_modules/ikonate/icons/${icon}.svg`))) {
        return prefix + icon;
      }
    },
    load(id) {
      if (id.startsWith(prefix)) return `export default ${JSON.stringify(PLAIN_ICON.trim())}`;
    },
  };
}

/**
 * Let vite see Neuroglancer's workers.
 *
 * Between `new Worker(` and `new URL(` Neuroglancer has a comment for another bundler; with it
 * vite does not recognise the worker and inlines its source unbundled.
 */
function bundledWorkers() {
  return {
    name: "bundled-workers",
    enforce: "pre",
    transform(code, id) {
      if (!id.includes("neuroglancer") || !code.includes("new Worker(")) return;
      return { code: code.replace(/new Worker\(\s*\/\*[\s\S]*?\*\/\s*/g, "new Worker("), map: null };
    },
  };
}

/**
 * Let the Share button make links to this viewer.
 *
 * Neuroglancer takes itself to be at the root of its server; the gateway has it in a folder.
 */
function sharedLinks() {
  const root = "${window.location.origin}/#!";
  return {
    name: "shared-links",
    enforce: "pre",
    transform(code, id) {
      if (!id.endsWith("datasource/state_share.js")) return;
      if (!code.includes(root)) this.error(`no link to ${root} in ${id}: look at how it makes links`);
      return {
        code: code.replace(root, "${window.location.origin}${window.location.pathname}#!"),
        map: null,
      };
    },
  };
}

/**
 * Have a decoder made again that could not be loaded.
 *
 * Neuroglancer has workers decode chunks, and hears nothing of one whose script does not come, for
 * a moment without a network, say: it counts it for good, and where it has no other draws nothing.
 */
function decodersMadeAgain() {
  const begins = "  let ready = false;\n";
  const again = `${begins}  worker.onerror = () => {
    if (ready) return;
    --numWorkers;
    setTimeout(() => {
      if (pendingTasks.size > 0 && numWorkers < maxWorkers) launchWorker();
    }, 500);
  };
`;
  return {
    name: "decoders-made-again",
    enforce: "pre",
    transform(code, id) {
      if (!id.endsWith("async_computation/request.js")) return;
      if (!code.includes(begins)) this.error(`no beginning of a worker in ${id}: look at how it makes them`);
      return { code: code.replace(begins, again), map: null };
    },
  };
}

const plugins = () => [missingIcons(), bundledWorkers(), sharedLinks(), decodersMadeAgain()];

export default defineConfig({
  base: "./",
  plugins: plugins(),
  // Where it shares states: `src/state_servers.js` knows the address once the page is open.
  define: { STATE_SERVERS: "globalThis.VOXLAKE_STATE_SERVERS" },
  worker: { format: "es", plugins },
  optimizeDeps: { exclude: ["neuroglancer"] },
  build: {
    target: "es2022",
    outDir: here("../voxlake/api/static/neuroglancer"),
    emptyOutDir: true,
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 20000,
  },
});
