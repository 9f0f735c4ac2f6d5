// Copies the files that documents show into them: `<!-- path -->` before a code block names its source.
// `--check` only compares, for `npm run check`.
import { readFileSync, writeFileSync } from "node:fs";

const DOCUMENTS = ["README.md", "docs/adapters.md"];
const BLOCK = /<!-- (\S+) -->\n```ts\n[\s\S]*?```/g;

for (const document of DOCUMENTS) {
	const before = readFileSync(document, "utf8");
	const after = before.replace(BLOCK, (_, path: string) => `<!-- ${path} -->\n\`\`\`ts\n${readFileSync(path, "utf8")}\`\`\``);
	if (!process.argv.includes("--check")) {
		writeFileSync(document, after);
	} else if (before !== after) {
		console.error(`${document} shows another version of a file than the one that is tested; run npm run generate`);
		process.exitCode = 1;
	}
}
