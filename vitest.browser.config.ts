// The libraries in a real browser. Needs Debian's `chromium`; CI installs it.
import { defineConfig } from "vitest/config";

const conditions = ["@holdfast/source", "node", "import", "module", "default"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: { include: ["test/browser/**/*.test.ts"], testTimeout: 60_000, hookTimeout: 60_000 },
});
