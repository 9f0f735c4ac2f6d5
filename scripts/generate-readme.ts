// Copies the files that README.md shows into it: `<!-- path -->` before a code block names its source.
// `--check` only compares, for `npm run check`.
import { readFileSync, writeFileSync } from "node:fs";

const README = "README.md";
const BLOCK = /<!-- (\S+) -->\n```ts\n[\s\S]*?```/g;

const before = readFileSync(README, "utf8");
const after = before.replace(BLOCK, (_, path: string) => `<!-- ${path} -->\n\`\`\`ts\n${readFileSync(path, "utf8")}\`\`\``);

if (!process.argv.includes("--check")) {
	writeFileSync(README, after);
} else if (before !== after) {
	console.error(`${README} shows another version of a file than the one that is tested; run npm run generate`);
	process.exitCode = 1;
}
