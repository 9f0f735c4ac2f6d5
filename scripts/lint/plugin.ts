// The repository's own lint rules, loaded by oxlint (.oxlintrc.json).
import type { Rule } from "./rule.ts";
import { clockOnly } from "./clock-only.ts";
import { importBoundaries } from "./import-boundaries.ts";

const rules: Readonly<Record<string, Rule>> = { "clock-only": clockOnly, "import-boundaries": importBoundaries };

export default {
	meta: { name: "polylog" },
	rules,
};
