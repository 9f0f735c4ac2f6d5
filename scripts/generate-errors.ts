// Writes docs/errors.md from the table of codes; with --check, fails when the file is not what the table says.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ERROR_CODES } from "../packages/core/src/errors.ts";
import { ROOT } from "./packages.ts";

const FILE = join(ROOT, "docs/errors.md");

const cell = (text: string) => text.replaceAll("|", "\\|");

const rows = Object.entries(ERROR_CODES).map(
	([code, { retryable, meaning, remedy }]) => `| \`${code}\` | ${retryable ? "yes" : "no"} | ${cell(meaning)} | ${cell(remedy)} |`,
);

const text = `# Errors

<!-- Generated from packages/core/src/errors.ts by \`npm run generate\`; do not edit. -->

Every error the library raises is a \`PolylogError\` with one of these codes. Codes are stable, messages are not: branch on the code, through \`isPolylogError(error, "TIMEOUT")\`. Misuse (a wrong argument) is a \`TypeError\` or \`RangeError\` without a code. Every error carries what it was about in \`context\` (topic, partition, offset, key, group, member), never a value and never a credential.

| Code | Retryable | Meaning | Remedy |
|---|---|---|---|
${rows.join("\n")}

Retryable: the same call may succeed later without anything being changed by hand.
`;

function current(): string | undefined {
	try {
		return readFileSync(FILE, "utf8");
	} catch {
		return undefined;
	}
}

if (!process.argv.includes("--check")) writeFileSync(FILE, text);
else if (current() !== text) {
	console.error("docs/errors.md is not what packages/core/src/errors.ts says: run `npm run generate`.");
	process.exitCode = 1;
}
